/**
 * @file Gradients beside PyTorch's: a convolution, a residual block, the shipped UNet, forward and backward, in turns.
 *
 *     node bench/autodiff.mjs [--python python3] [--threads 2] [--runs 9] [--sides ours,torch] <case> …
 *
 * A case is `conv:16x64x16`, `block:16x64x16` (batch, channels, side) or `unet:16` (batch, of 16² latents and 77 tokens).
 * Weights are inputs, as in training: kernels that change have no constant form to be prepared in.
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { startSide } from "./side.mjs";

const { values: options, positionals: cases } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: "string", default: "python3" },
    model: { type: "string", default: join(import.meta.dirname, "../test/fixtures/nano-bootstrap") },
    threads: { type: "string", default: "2" },
    runs: { type: "string", default: "9" },
    sides: { type: "string", default: "ours,torch" },
  },
});
const { model, threads } = options;
const BUSY = 0.1;

function start(name) {
  const here = (file) => join(import.meta.dirname, file);
  const env = { OMP_NUM_THREADS: threads, MKL_NUM_THREADS: threads };
  if (name === "torch") return startSide(name, options.python, [here("autodiff-torch.py"), model, threads], env);
  return startSide(name, process.execPath, [here("autodiff-ours.mjs"), model, threads], env);
}

const sides = options.sides.split(",").map(start);
for (const text of cases) {
  const records = new Map(sides.map(({ name }) => [name, { forward: [], both: [] }]));
  for (const side of sides) {
    await side.ask({ open: text });
    for (const what of ["forward", "both"]) await side.ask({ run: what });
  }
  for (let i = 0; i < Number(options.runs); i++) {
    for (const side of sides) {
      for (const what of ["forward", "both"]) records.get(side.name)[what].push(await side.ask({ run: what }));
    }
  }
  console.log(`${text}, ${threads} threads; least / median ms of the clock (of processor time), runs undisturbed`);
  for (const [name, { forward, both }] of records) {
    const quiet = both.filter(({ others }) => others <= BUSY).length;
    console.log(
      `  ${name.padEnd(6)} forward ${spread(forward)}, with gradients ${spread(both)}, ${quiet}/${both.length}`,
    );
  }
}
for (const side of sides) await side.end();

function spread(results) {
  const of = (key) => {
    const all = results.map((result) => result[key] * 1e3).sort((a, b) => a - b);
    return `${all[0].toFixed(1)} / ${all[all.length >> 1].toFixed(1)}`;
  };
  return `${of("seconds")} (${of("cpu")})`;
}
