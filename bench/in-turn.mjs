/**
 * @file All networks that a picture needs, opened one after the other and put away again: how long, and how much memory.
 *
 *     node bench/in-turn.mjs <checkpoint file or folder> [--pixels 512] [--residency folded|mapped] [--threads 2]
 */

import { parseArgs } from "node:util";
import { openCheckpoint } from "../dist/models/sdxl/checkpoint.js";
import { onnxRuntime } from "../dist/runtime/onnx/session.js";
import { makeInputs } from "./inputs.mjs";
import { memory, resetPeak } from "./memory.mjs";
import { networksOf } from "./networks.mjs";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pixels: { type: "string", default: "512" },
    residency: { type: "string" },
    threads: { type: "string", default: "2" },
  },
});
const { pixels, residency, threads } = options;
const networks = networksOf(await openCheckpoint(positionals[0]));
const runtime = onnxRuntime({ threads: Number(threads), ...(residency && { residency }) });

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`.padStart(8);
}

/** What JavaScript itself holds: no weight may ever be there. */
function inJavaScript() {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return Math.round((heapUsed + arrayBuffers) / 2 ** 20);
}

console.log("network             open      run  private   mapped  at most  in JavaScript (MiB)");
for (const network of ["text_encoder", "text_encoder_2", "unet", "decode"]) {
  const batch = network === "decode" ? 1 : 2;
  const feeds = {};
  for (const [name, [data, shape]] of Object.entries(makeInputs(network, Number(pixels), batch))) {
    feeds[name] = { data, shape };
  }
  resetPeak();
  const start = performance.now();
  const session = await runtime.open(networks[network].graph(), networks[network].weights);
  const opened = seconds(start);
  const held = inJavaScript();
  const ready = performance.now();
  await session.run(feeds);
  const ran = seconds(ready);
  const { anon, file, peak } = memory();
  const numbers = [anon, file, peak, held].map((n) => `${n}`.padStart(9)).join("");
  console.log(`${network.padEnd(16)}${opened} ${ran}${numbers}`);
  await session.release();
}
console.log(`after all: private ${memory().anon} MiB`);
