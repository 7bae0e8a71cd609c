/**
 * @file Our engine and diffusers on the same networks and inputs, in turns.
 *
 *     node bench/compare.mjs --checkpoint <diffusers folder> [--python python3] [--threads 2] [--runs 5] [--rounds 1]
 *       [--sides folded,mapped,diffusers] [--together] <case> …
 *
 * A case is `network:pixels`, such as `unet:512`, `decode:512`, `text_encoder:0`. In a round each side opens the network,
 * runs once uncounted, runs `runs` times and ends; with `--together` all sides are open at once and take turns run by
 * run, which needs the memory of all. A run during which other programs kept a tenth of a processor busy is marked `*`.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeInputs } from "./inputs.mjs";
import { startSide } from "./side.mjs";

const { values: options, positionals: cases } = parseArgs({
  allowPositionals: true,
  options: {
    checkpoint: { type: "string" },
    python: { type: "string", default: "python3" },
    threads: { type: "string", default: "2" },
    runs: { type: "string", default: "5" },
    rounds: { type: "string", default: "1" },
    sides: { type: "string", default: "folded,mapped,diffusers" },
    together: { type: "boolean", default: false },
  },
});
const { checkpoint, threads } = options;
const work = mkdtempSync(join(tmpdir(), "illustrious-bench-"));
const BUSY = 0.1;

function start(name) {
  const here = (file) => join(import.meta.dirname, file);
  const env = { OMP_NUM_THREADS: threads, MKL_NUM_THREADS: threads };
  if (name === "diffusers")
    return startSide(name, options.python, [here("server-diffusers.py"), checkpoint, threads], env);
  return startSide(name, process.execPath, [here("server-ours.mjs"), checkpoint, threads, name], env);
}

async function compare(text) {
  const [network, pixels] = text.split(":");
  // Guidance runs prompt and empty prompt together; a picture is decoded alone.
  const batch = network === "decode" || network === "encode" ? 1 : 2;
  const shapes = writeInputs(work, network, Number(pixels), batch);
  const records = new Map(options.sides.split(",").map((name) => [name, { opens: [], runs: [], output: null }]));

  async function open(name) {
    const side = start(name);
    records.get(name).opens.push(await side.ask({ open: network }));
    await side.ask({ run: network, folder: work, shapes });
    return side;
  }
  async function run(side) {
    const record = records.get(side.name);
    const result = await side.ask({ run: network, folder: work, shapes });
    record.runs.push(result);
    const { buffer, byteOffset, length } = readFileSync(join(work, "output"));
    record.output = new Float32Array(buffer.slice(byteOffset, byteOffset + length));
    const busy = result.others > BUSY ? "*" : "";
    process.stderr.write(
      `  ${text} ${side.name} ${result.seconds.toFixed(3)} s, cpu ${result.cpu.toFixed(3)} s${busy}\n`,
    );
  }

  for (let round = 0; round < Number(options.rounds); round++) {
    if (options.together) {
      const sides = [];
      for (const name of records.keys()) sides.push(await open(name));
      for (let i = 0; i < Number(options.runs); i++) for (const side of sides) await run(side);
      for (const side of sides) await side.end();
      continue;
    }
    for (const name of records.keys()) {
      const side = await open(name);
      for (let i = 0; i < Number(options.runs); i++) await run(side);
      await side.end();
    }
  }
  report(text, records);
}

function report(text, records) {
  console.log(`${text}, ${threads} threads`);
  const base = records.get("diffusers");
  for (const [name, { opens, runs, output }] of records) {
    const quiet = runs.filter(({ others }) => others <= BUSY).length;
    const { anon, file, peak } = runs.at(-1);
    const ratio = base && name !== "diffusers" ? ratios(runs, base.runs) : "";
    const error =
      base && name !== "diffusers" ? `, differs by ${relativeError(output, base.output).toExponential(1)}` : "";
    console.log(
      `  ${name.padEnd(9)} run ${spread(runs, "seconds")} s, cpu ${spread(runs, "cpu")} s, ${quiet}/${runs.length} quiet${ratio}`,
    );
    console.log(
      `            open ${spread(opens, "seconds")} s; MiB: private ${anon}, mapped ${file}, peak ${peak}${error}`,
    );
  }
}

const sorted = (results, key) => results.map((result) => result[key]).sort((a, b) => a - b);
const median = (numbers) => numbers[numbers.length >> 1];

function spread(results, key) {
  const all = sorted(results, key);
  return [all[0], median(all), all.at(-1)].map((x) => x.toFixed(2)).join("/");
}

function ratios(ours, theirs) {
  const of = (key, pick) => (pick(sorted(ours, key)) / pick(sorted(theirs, key))).toFixed(2);
  const least = (numbers) => numbers[0];
  return `, × diffusers: min ${of("seconds", least)}, median ${of("seconds", median)}, cpu ${of("cpu", median)}`;
}

function relativeError(ours, theirs) {
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < theirs.length; i++) {
    difference = Math.max(difference, Math.abs(ours[i] - theirs[i]));
    largest = Math.max(largest, Math.abs(theirs[i]));
  }
  return difference / largest;
}

try {
  for (const text of cases) await compare(text);
} finally {
  rmSync(work, { recursive: true });
}
