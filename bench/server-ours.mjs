/**
 * @file Our engine as a side of `compare.mjs`: a JSON message a line in, an answer a line out.
 *
 *     node server-ours.mjs <checkpoint> <threads> <folded|mapped|auto>
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openCheckpoint } from "../dist/models/sdxl/checkpoint.js";
import { onnxRuntime } from "../dist/runtime/onnx/session.js";
import { memory } from "./memory.mjs";
import { networksOf } from "./networks.mjs";

const [path, threads, residency] = process.argv.slice(2);
const networks = networksOf(await openCheckpoint(path));
const runtime = onnxRuntime({ threads: Number(threads), ...(residency !== "auto" && { residency }) });
const sessions = new Map();

function feed(folder, name, shape) {
  const { buffer, byteOffset, length } = readFileSync(join(folder, name));
  const bytes = buffer.slice(byteOffset, byteOffset + length);
  const whole = name === "ids" || name === "endRows";
  return { data: whole ? new BigInt64Array(bytes) : new Float32Array(bytes), shape };
}

async function timed(task) {
  const start = performance.now();
  const before = process.cpuUsage();
  const result = await task();
  const { user, system } = process.cpuUsage(before);
  return { result, seconds: (performance.now() - start) / 1e3, cpu: (user + system) / 1e6 };
}

async function answer({ open, run, folder, shapes }) {
  if (open) {
    const { result, ...times } = await timed(() => runtime.open(networks[open].graph(), networks[open].weights));
    sessions.set(open, result);
    return { ...times, ...memory() };
  }
  const feeds = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, feed(folder, name, shape)]));
  const { result, ...times } = await timed(() => sessions.get(run).run(feeds));
  writeFileSync(join(folder, "output"), Object.values(result)[0].data);
  return { ...times, ...memory() };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
