/**
 * @file Steps of training beside PyTorch's: the UNet and both text encoders of `recipes/nano`, loss, gradients of everything, AdamW and
 * running averages, in turns.
 *
 *     node bench/training.mjs [--python python3] [--threads 2] [--batch 16] [--side 16] [--chunks 1,5] [--steps 5] [--runs 7]
 *         [--parts 1] [--sides ours,torch]
 *
 * `--chunks` are the lengths of captions, in 77 tokens; `--side` is that of the latents. Ours computes a batch in as many parts as there are
 * threads, as `illustrious train` does; `--parts 1` measures the whole batch on all threads as a side of its own.
 * `--sides ours,torch,torch-channels-last` lays PyTorch's pictures in its other way too.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startSide } from "./side.mjs";

const { values: options } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    threads: { type: "string", default: "2" },
    batch: { type: "string", default: "16" },
    side: { type: "string", default: "16" },
    chunks: { type: "string", default: "1,5" },
    steps: { type: "string", default: "5" },
    runs: { type: "string", default: "7" },
    parts: { type: "string" },
    sides: { type: "string", default: "ours,torch" },
  },
});
const { threads } = options;
const [batch, side, steps, runs] = [options.batch, options.side, options.steps, options.runs].map(Number);
const folder = mkdtempSync(join(tmpdir(), "illustrious-bench-"));
const BUSY = 0.1;

/** All but the first of ours: weights and inputs are written once. */
function names() {
  const given = options.sides.split(",");
  const parts = options.parts && options.parts !== threads ? [`ours, parts ${options.parts}`] : [];
  return ["ours", ...parts, ...given.filter((name) => name !== "ours")];
}

function start(name) {
  const here = (file) => join(import.meta.dirname, file);
  const env = { OMP_NUM_THREADS: threads, MKL_NUM_THREADS: threads };
  const own = { folder, threads: Number(threads), batch, side };
  if (name.startsWith("torch")) {
    const settings = JSON.stringify({ ...own, channelsLast: name === "torch-channels-last" });
    return startSide(name, options.python, [here("training-torch.py"), settings], env);
  }
  const parts = Number(name === "ours" ? threads : options.parts);
  const settings = JSON.stringify({ ...own, parts, writes: name === "ours" });
  return startSide(name, process.execPath, [here("training-ours.mjs"), settings], env);
}

async function measure(sides, chunks) {
  const records = new Map(sides.map(({ name }) => [name, []]));
  console.log(
    `batch ${batch}, latents ${side}², captions of ${chunks} x 77 tokens, ${threads} threads, ${runs} x ${steps} steps`,
  );
  for (const one of sides) {
    const { loss, norm, about } = await one.ask({ open: chunks });
    console.log(`  ${one.name}: loss ${loss.toFixed(7)}, gradient ${norm.toFixed(6)}${about ? `; ${about}` : ""}`);
  }
  for (let i = 0; i < runs; i++) {
    for (const one of sides) records.get(one.name).push(await one.ask({ run: steps }));
  }
  for (const [name, results] of records) report(name, results, records);
}

/** Of one step. */
const sorted = (results, key) => results.map((result) => result[key] / steps).sort((a, b) => a - b);
const median = (numbers) => numbers[numbers.length >> 1];
const ms = (results, key) => (1e3 * median(sorted(results, key))).toFixed(1);

function report(name, results, records) {
  const all = sorted(results, "seconds");
  const spread = [all[0], median(all), all.at(-1)].map((x) => x.toFixed(3)).join(" / ");
  const share = (part) => {
    const spent = results.map((result) => result[part]);
    return `${part} ${ms(spent, "seconds")} (${ms(spent, "cpu")})`;
  };
  const quiet = results.filter(({ others }) => others <= BUSY).length;
  console.log(
    `  ${name}: ${spread} s a step, ${(batch / median(all)).toFixed(1)} pictures a second, ${quiet}/${runs} quiet`,
  );
  const shares = ["network", "update", "rest"].map(share).join(", ");
  console.log(
    `    ms of the clock (of processors): ${shares}, in all ${ms(results, "seconds")} (${ms(results, "cpu")})`,
  );
  for (const [other, theirs] of records) {
    if (!name.startsWith("ours") || other === name || (other === "ours" && name !== "ours")) continue;
    const base = sorted(theirs, "seconds");
    const ratios = `median ${(median(all) / median(base)).toFixed(2)}, min ${(all[0] / base[0]).toFixed(2)}`;
    console.log(`    ÷ ${other}: ${ratios}`);
  }
}

const sides = names().map(start);
try {
  for (const chunks of options.chunks.split(",")) await measure(sides, Number(chunks));
  for (const one of sides) await one.end();
} finally {
  rmSync(folder, { recursive: true });
}
