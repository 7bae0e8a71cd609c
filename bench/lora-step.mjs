/**
 * @file One step of a LoRA on the UNet's attention in segments: seconds there and back, memory, and gradients that
 * `peers/lora-step.py` gives too or that differences of the loss confirm.
 *
 *     node bench/lora-step.mjs <checkpoint> [--size 512] [--rank 16] [--steps 2] [--threads 2] [--memory GiB]
 *         [--gradients out.json] [--differences]
 */

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { openCheckpoint } from "../dist/models/sdxl/checkpoint.js";
import { loraTargets } from "../dist/models/sdxl/lora-targets.js";
import { onnxRuntime } from "../dist/runtime/onnx/session.js";
import { partWeights, sdxlStep } from "../dist/trainer/sdxl-step.js";
import { openStep } from "../dist/training/segments/open-step.js";
import { memory } from "./memory.mjs";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: "string", default: "512" },
    rank: { type: "string", default: "16" },
    steps: { type: "string", default: "2" },
    threads: { type: "string", default: "2" },
    memory: { type: "string" },
    gradients: { type: "string" },
    differences: { type: "boolean", default: false },
  },
});
const GIB = 2 ** 30;
const rank = Number(flags.rank);
const side = Number(flags.size) / 8;

/** Numbers of variance 1 that any language makes alike: the fraction of a large sine. */
function noise(length, k) {
  return Float32Array.from({ length }, (_, i) => {
    const x = Math.sin(12.9898 * (i + 1) + 78.233 * k) * 43.758;
    return Math.sqrt(12) * (x - Math.floor(x) - 0.5);
  });
}

const value = (shape, k, scale = 1) => ({
  data: noise(
    shape.reduce((product, n) => product * n, 1),
    k,
  ).map((x) => scale * x),
  shape,
});

const { configs, weights } = await openCheckpoint(positionals[0]);
const targets = [...loraTargets("unet", configs, { rank })].filter(([name]) => /\.attn[12]\./.test(name));
const step = sdxlStep(configs, { train: [], lora: { unet: new Map(targets) }, loss: "l2" });
const names = step.loraParameters.map(({ name }) => name).sort();
const pairs = step.loraParameters.map(({ name, shape, role }) => {
  const scale = role === "up" ? 0.02 : 1 / Math.sqrt(shape[1]);
  return [`unet.${name}`, value(shape, 10 + names.indexOf(name), scale)];
});
const pooled = configs.unet.projectionInputDim - 6 * configs.unet.additionTimeEmbedDim;
const feeds = {
  sample: value([1, 4, side, side], 0),
  target: value([1, 4, side, side], 1),
  context: value([1, 77, configs.unet.crossAttentionDim], 2),
  pooled: value([1, pooled], 3),
  timestep: { data: Float32Array.of(500), shape: [1] },
  timeIds: { data: Float32Array.of(8 * side, 8 * side, 0, 0, 8 * side, 8 * side), shape: [1, 6] },
  weights: { data: Float32Array.of(1), shape: [1] },
  ...Object.fromEntries(pairs),
};

const spent = {};

/** Adds up what a kind of work takes, by the clock and of processors. */
async function timed(kind, task) {
  const [start, before] = [performance.now(), process.cpuUsage()];
  const result = await task();
  const { user, system } = process.cpuUsage(before);
  spent[kind] ??= { count: 0, seconds: 0, processor: 0, system: 0 };
  spent[kind].count++;
  spent[kind].seconds += (performance.now() - start) / 1e3;
  spent[kind].processor += (user + system) / 1e6;
  spent[kind].system += system / 1e6;
  return result;
}

const engine = onnxRuntime({ threads: Number(flags.threads) });
const watched = {
  ...engine,
  async open(graph, ...rest) {
    const back = [...graph.outputs.keys()].some((name) => name.startsWith("d "));
    const session = await timed(back ? "open back" : "open there", () => engine.open(graph, ...rest));
    return { ...session, run: (...args) => timed(back ? "back" : "there", () => session.run(...args)) };
  },
};

function report(what) {
  const line = Object.fromEntries(
    Object.entries(spent).map(([kind, { count, seconds, processor, system }]) => {
      const times = `${seconds.toFixed(1)} s, ${processor.toFixed(1)} processor s (${system.toFixed(1)} of the system)`;
      return [kind, `${count}: ${times}`];
    }),
  );
  process.stdout.write(`${JSON.stringify({ what, ...line, memory: memory() })}\n`);
  for (const kind of Object.keys(spent)) delete spent[kind];
}

const trained = pairs.reduce((sum, [, { data }]) => sum + data.length, 0);
const available = process.availableMemory() / GIB;
process.stdout.write(`${JSON.stringify({ engine: engine.name, pairs: targets.length, trained, available })}\n`);
const session = await openStep(watched, step, partWeights(weights), {
  segments: "on",
  ...(flags.memory && { memory: Number(flags.memory) * GIB }),
});

let results;
for (let i = 0; i < Number(flags.steps); i++) {
  results = await timed("step", () => session.run(feeds));
  report(`step ${i + 1}, loss ${results.loss.data[0]}`);
}

if (flags.gradients) {
  const told = names.map((name) => {
    const { data } = results[`d unet.${name}`];
    const norm = Math.sqrt(data.reduce((sum, v) => sum + v ** 2, 0));
    return [name, { norm, dot: data.reduce((sum, v, i) => sum + v * Math.cos(0.37 * i), 0) }];
  });
  writeFileSync(flags.gradients, JSON.stringify({ loss: results.loss.data[0], gradients: Object.fromEntries(told) }));
}

if (flags.differences) {
  // Each number of each pair moves by a random distance the way that its gradient points, so that float32 sees the change.
  const directions = pairs.map(([name, { data }], k) => {
    const gradient = results[`d ${name}`].data;
    const unit = Math.sqrt(data.reduce((sum, v) => sum + v ** 2, 0) / data.length);
    return [name, noise(data.length, 5000 + k).map((v, i) => unit * Math.abs(v) * Math.sign(gradient[i]))];
  });
  const slope = directions.reduce((sum, [name, direction]) => {
    const gradient = results[`d ${name}`].data;
    return sum + direction.reduce((part, v, i) => part + v * gradient[i], 0);
  }, 0);
  const lossAt = async (distance) => {
    const moved = directions.map(([name, direction]) => {
      const { data, shape } = feeds[name];
      return [name, { data: data.map((v, i) => v + distance * direction[i]), shape }];
    });
    return Number((await session.run({ ...feeds, ...Object.fromEntries(moved) }, ["loss"])).loss.data[0]);
  };
  // Far enough for a change of so much of the loss, near enough for a straight line.
  const distance = (1e-3 * results.loss.data[0]) / slope;
  const difference = ((await lossAt(distance)) - (await lossAt(-distance))) / (2 * distance);
  process.stdout.write(`${JSON.stringify({ distance, slope, difference, error: difference / slope - 1 })}\n`);
  report("differences");
}
await session.release();
process.stdout.write(`${JSON.stringify({ released: memory() })}\n`);
