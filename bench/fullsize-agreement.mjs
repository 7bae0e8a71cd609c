/**
 * @file Compares the full-size networks, block by block, with what diffusers and transformers computed in float32.
 *
 *     node bench/fullsize-agreement.mjs <checkpoint file or folder> <reference.safetensors>
 *
 * Both are made by `scripts/fullsize`. The error is the largest difference over the largest value of the tensor.
 */

import { parseArgs } from "node:util";
import { openSafetensors, readTensorBytes } from "../dist/formats/safetensors/index.js";
import { openCheckpoint } from "../dist/models/sdxl/checkpoint.js";
import { onnxRuntime } from "../dist/runtime/onnx/session.js";
import { int64 } from "../dist/runtime/runtime.js";
import { memory } from "./memory.mjs";
import { networksOf } from "./networks.mjs";

/** Two float32 programs that add in different orders part by about 1e-5 over a hundred layers; a wrong weight parts at once. */
const BOUND = 1e-4;

const { positionals } = parseArgs({ allowPositionals: true });
const [checkpointPath, referencePath] = positionals;
const reference = await openSafetensors(referencePath);
const checkpoint = await openCheckpoint(checkpointPath);
const networks = networksOf(checkpoint, { taps: true });

async function tensor(name) {
  const found = reference.tensors.get(name);
  const bytes = (await readTensorBytes(reference, name)).slice().buffer;
  return { data: found.dtype === "I64" ? new BigInt64Array(bytes) : new Float32Array(bytes), shape: found.shape };
}

/** Each text's first highest id, as a row of all tokens. */
function endRows({ data, shape: [texts, tokens] }) {
  const rows = Array.from({ length: texts }, (_, n) => {
    const row = [...data.slice(n * tokens, (n + 1) * tokens)].map(Number);
    return n * tokens + row.indexOf(Math.max(...row));
  });
  return int64(rows, [texts]);
}

const ids2 = await tensor("text.ids_2");
const cases = {
  text_encoder: {
    feeds: { ids: await tensor("text.ids_1") },
    prefix: "text_encoder.",
    names: { states: "penultimate" },
  },
  text_encoder_2: {
    feeds: { ids: ids2, endRows: endRows(ids2) },
    prefix: "text_encoder_2.",
    names: { states: "penultimate", pooled: "text_embeds" },
  },
  unet: {
    feeds: {
      sample: await tensor("unet.sample"),
      timestep: await tensor("unet.timesteps"),
      context: await tensor("unet.context"),
      pooled: await tensor("unet.pooled"),
      timeIds: await tensor("unet.time_ids"),
    },
    prefix: "unet.",
    names: { output: "out" },
  },
  decode: { feeds: { latents: await tensor("vae.latent") }, prefix: "vae.", names: { image: "image_decoded" } },
  encode: { feeds: { image: await tensor("vae.image") }, prefix: "vae.", names: { logVariance: "logvar" } },
};

function relativeError(ours, theirs) {
  if (`${ours.shape}` !== `${theirs.shape}`) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < theirs.data.length; i++) {
    difference = Math.max(difference, Math.abs(ours.data[i] - theirs.data[i]));
    largest = Math.max(largest, Math.abs(theirs.data[i]));
  }
  return difference / largest;
}

let wrong = 0;
for (const [network, { feeds, prefix, names }] of Object.entries(cases)) {
  const { graph, weights } = networks[network];
  const started = performance.now();
  const session = await onnxRuntime({ threads: 2 }).open(graph(), weights);
  const opened = performance.now();
  const results = await session.run(feeds);
  const ran = performance.now();
  await session.release();
  const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
  const { peak } = memory();
  console.log(`${network}: opened in ${seconds(opened - started)}, ran in ${seconds(ran - opened)}, peak ${peak} MiB`);
  for (const [output, value] of Object.entries(results)) {
    const error = relativeError(value, await tensor(prefix + (names[output] ?? output)));
    const agrees = error < BOUND;
    if (!agrees) wrong++;
    console.log(`  ${output.padEnd(15)} ${error.toExponential(1)}${agrees ? "" : "  WRONG"}`);
  }
}
console.log(wrong === 0 ? "all agree" : `${wrong} outputs disagree`);
process.exitCode = wrong === 0 ? 0 : 1;
