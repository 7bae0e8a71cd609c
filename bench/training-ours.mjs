/**
 * @file Our steps of training as a side of `training.mjs`: a JSON message a line in, an answer a line out.
 *
 *     node training-ours.mjs '{"folder": …, "threads": 2, "parts": 2, "batch": 16, "side": 16, "writes": true}'
 *
 * The trainer's own lesson and learner, which are given batches made here. With `writes`, weights and inputs of the step whose
 * loss is told go into the folder, for the other side to begin with.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { writeSafetensors } from "../dist/formats/safetensors/index.js";
import { clipToJson, parseConfigs, unetToJson } from "../dist/models/sdxl/config-json.js";
import { FOLDER } from "../dist/models/sdxl/names.js";
import { onnxRuntime } from "../dist/runtime/onnx/session.js";
import { threadedRuntime } from "../dist/runtime/onnx/threaded.js";
import { discreteTable } from "../dist/sampling/tables.js";
import { tensorsToWrite, writeNetwork } from "../dist/trainer/model-files.js";
import { openSdxlLesson } from "../dist/trainer/sdxl-lesson.js";
import { startingValues } from "../dist/trainer/sdxl-model.js";
import { sdxlStep, TOKEN_TABLE } from "../dist/trainer/sdxl-step.js";
import { openCrew } from "../dist/training/crew/threads.js";
import { createLearner } from "../dist/training/learner/learner.js";
import { nextInteger, nextNormals, randomState } from "../dist/training/random.js";

const { folder, threads, parts, batch, side, writes } = JSON.parse(process.argv[2]);
const read = (name) => JSON.parse(readFileSync(join(import.meta.dirname, "../recipes/nano", name), "utf8"));
const vae = read("vae.json");
const sizes = read("model.json");
const channels = { in_channels: vae.latent_channels, out_channels: vae.latent_channels };
const configs = parseConfigs({ ...sizes, vae, unet: { ...sizes.unet, ...channels } }, "model.json");
const PARTS = ["unet", "textEncoder", "textEncoder2"];
/** Steps before the first that counts: by then the branches that begin at zero give something. */
const WARM_UP = 10;
const RATES = { unet: 1e-3, textEncoder: 5e-4, textEncoder2: 5e-4 };

/** As many words as captions of one kind of picture have. */
const WORDS = 2000;
const [TOKENS, START, END] = [77, 49406, 49407];
const random = randomState(1, 0);

function chunk() {
  const ids = Int32Array.from({ length: TOKENS }, () => nextInteger(random, WORDS));
  ids[0] = START;
  ids[TOKENS - 1] = END;
  return { ids, ids2: ids.slice(), weights: new Float32Array(TOKENS).fill(1), end: TOKENS - 1 };
}

function makeBatch(chunks) {
  const shape = [batch, vae.latent_channels, side, side];
  const pixels = 2 ** (vae.block_out_channels.length - 1) * side;
  return {
    latents: nextNormals(random, batch * vae.latent_channels * side * side),
    shape,
    timeIds: Float32Array.from({ length: 6 * batch }, (_, i) => (i % 6 === 2 || i % 6 === 3 ? 0 : pixels)),
    texts: Array.from({ length: batch }, () => ({ chunks: Array.from({ length: chunks }, chunk), recurs: false })),
    lossWeights: new Float32Array(batch).fill(1),
    next: { epoch: 0, index: 0 },
  };
}

let made = [];
async function* batches() {
  for (let i = 0; ; i++) yield made[i % made.length];
}

/** What the sessions were fed in the step under way, and from when to when they ran. */
let runs = [];
function watched(runtime) {
  return {
    ...runtime,
    async open(...all) {
      const session = await runtime.open(...all);
      return {
        ...session,
        async run(feeds, outputs) {
          const run = { feeds, from: now() };
          runs.push(run);
          const results = await session.run(feeds, outputs);
          run.to = now();
          return results;
        },
      };
    },
  };
}

const step = sdxlStep(configs, { train: PARTS, loss: "l2" });
const networks = new Map();
const begin = randomState(1, 1);
for (const part of PARTS) networks.set(part, (await startingValues({ configs, weights: {} }, part, begin)).values);
const parameters = [...networks].flatMap(([part, network]) =>
  [...network].flatMap(([own, { shape, values }]) => {
    const [name, table] = [`${part}.${own}`, own === TOKEN_TABLE];
    if (!table && !step.parameters.has(name)) return [];
    return [{ name, shape, values, group: part, table }];
  }),
);
const crew = openCrew(threads);
const options = {
  optimiser: { kind: "adamw", beta2: 0.99, weightDecay: 0.01 },
  groups: Object.fromEntries(PARTS.map((part) => [part, { kind: "constant", peak: RATES[part] }])),
  ema: { decay: 0.999 },
};
const learner = createLearner(parameters, options, undefined, crew);
const lesson = await openSdxlLesson({
  runtime: watched(onnxRuntime({ threads })),
  replicas: { count: parts, runtime: watched(threadedRuntime({ threads: Math.floor(threads / parts) })), crew },
  configs,
  step,
  frozen: new Map(),
  learner,
  recipe: { prediction: "eps", table: discreteTable({ shift: 0.25 }) },
  seed: 1,
  batches: batches(),
  place: { epoch: 0, index: 0 },
  tables: {},
  saveModel: async () => [],
});

let steps = 0;

/** Now, by the clock and of processors, in seconds. */
function now() {
  const { user, system } = process.cpuUsage();
  return { seconds: performance.now() / 1e3, cpu: (user + system) / 1e6 };
}

const between = (from, to) => ({ seconds: to.seconds - from.seconds, cpu: to.cpu - from.cpu });
const plus = (a, b) => ({ seconds: a.seconds + b.seconds, cpu: a.cpu + b.cpu });

/** Loss, length of the gradient, and how long the step was in the sessions, in the learner, and outside of both. */
async function oneStep() {
  runs = [];
  const start = now();
  const { gradients, figures } = await lesson.batch(steps++);
  const given = now();
  const { gradientNorm: norm } = learner.add(gradients);
  const update = between(given, now());
  // All begin before one ends, and the last to end is the last in time.
  const [first, last] = [runs[0].from, runs.map(({ to }) => to).reduce((a, b) => (a.seconds > b.seconds ? a : b))];
  const rest = plus(between(start, first), between(last, given));
  return { loss: figures.loss, norm, times: { network: between(first, last), update, rest } };
}

async function writeWeights() {
  const json = { unet: unetToJson(configs.unet) };
  for (const part of ["textEncoder", "textEncoder2"]) json[part] = clipToJson(configs[part]);
  for (const [part, network] of networks) {
    await writeNetwork(folder, FOLDER[part], json[part], network);
  }
}

async function writeInputs({ texts, latents, shape }) {
  const chunks = texts.flatMap((text) => text.chunks);
  const idsOf = (which) => Float32Array.from(chunks.flatMap((one) => [...one[which]]));
  const fed = ["sample", "target", "timestep", "timeIds", "weights"].map((name) => {
    const pieces = runs.map(({ feeds }) => feeds[name]);
    const values = Float32Array.from(pieces.flatMap(({ data }) => [...data]));
    return [name, { shape: [batch, ...pieces[0].shape.slice(1)], values }];
  });
  const all = new Map([
    ...fed,
    ["latents", { shape, values: latents }],
    ["ids", { shape: [chunks.length, TOKENS], values: idsOf("ids") }],
    ["ids2", { shape: [chunks.length, TOKENS], values: idsOf("ids2") }],
  ]);
  await writeSafetensors(join(folder, "inputs.safetensors"), tensorsToWrite("inputs", all, "F32"));
}

const tasks = {
  async open(chunks) {
    made = [makeBatch(chunks)];
    for (let i = 0; i < WARM_UP; i++) await oneStep();
    if (writes) await writeWeights();
    const { loss, norm } = await oneStep();
    if (writes) await writeInputs(made[0]);
    made.push(...Array.from({ length: 7 }, () => makeBatch(chunks)));
    return { loss, norm };
  },
  async run(count) {
    const nothing = { seconds: 0, cpu: 0 };
    let sums = { network: nothing, update: nothing, rest: nothing };
    const start = now();
    for (let i = 0; i < count; i++) {
      const { times } = await oneStep();
      sums = Object.fromEntries(Object.entries(sums).map(([key, sum]) => [key, plus(sum, times[key])]));
    }
    return { ...between(start, now()), ...sums };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [[task, argument]] = Object.entries(JSON.parse(line));
  process.stdout.write(`${JSON.stringify(await tasks[task](argument))}\n`);
}
await lesson.release();
