/**
 * @file Our gradients as a side of `autodiff.mjs`: a JSON message a line in, an answer a line out.
 *
 *     node autodiff-ours.mjs <diffusers folder> <threads>
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { gradients } from "../dist/autodiff/gradients.js";
import { evaluateShape, size } from "../dist/graph/dim.js";
import { graphOf } from "../dist/graph/graph.js";
import * as g from "../dist/graph/ops.js";
import { substitute } from "../dist/graph/substitute.js";
import { parseUNetConfig } from "../dist/models/sdxl/config-json.js";
import { residualBlock } from "../dist/models/sdxl/resnet.js";
import { unetGraph } from "../dist/models/sdxl/unet.js";
import { scope } from "../dist/nn/layers.js";
import { onnxRuntime } from "../dist/runtime/onnx/session.js";

const [folder, threads] = process.argv.slice(2);
const runtime = onnxRuntime({ threads: Number(threads) });
const image = (channels) => g.input("x", [size("batch"), channels, size("height"), size("width")]);

/** A network's result, and which of its inputs get a gradient beside the weights. */
const networks = {
  conv(channels) {
    const kernel = g.weight("weight", [channels, channels, 3, 3]);
    const options = { stride: 1, padding: [1, 1, 1, 1] };
    return { y: g.conv2d(image(channels), kernel, g.weight("bias", [channels]), options), leaves: ["x"] };
  },
  block(channels) {
    const embedding = g.input("embedding", [size("batch"), 256]);
    const y = residualBlock(scope(), image(channels), channels, { groups: 32, epsilon: 1e-5 }, embedding);
    return { y, leaves: ["x", "embedding"] };
  },
  unet() {
    const config = parseUNetConfig(JSON.parse(readFileSync(join(folder, "unet/config.json"), "utf8")));
    return { y: unetGraph(config).outputs.get("output"), leaves: [] };
  },
};

async function open(text) {
  const [what, shape] = text.split(":");
  const [batch, channels, side = 16] = shape.split("x").map(Number);
  const { y: withWeights, leaves } = networks[what](channels);
  const { y } = substitute({ y: withWeights }, (tensor) =>
    tensor.op === "weight" ? g.input(tensor.attributes.name, tensor.shape) : undefined,
  );
  const error = g.sub(y, g.input("target", y.shape));
  const loss = g.mean(g.mul(error, error), [0, 1, 2, 3]);
  const data = ["x", "embedding", "sample", "timestep", "context", "pooled", "timeIds", "target"];
  const wanted = graphOf({ y }).inputs.filter(
    ({ attributes: { name } }) => !data.includes(name) || leaves.includes(name),
  );
  const found = [...gradients(loss, wanted)].map(([x, d]) => [`d ${x.attributes.name}`, d]);
  const graphs = { forward: graphOf({ y }), both: graphOf({ loss, ...Object.fromEntries(found) }) };
  const sizes = new Map(Object.entries({ batch, height: side, width: side, tokens: 77 }));
  const sessions = {};
  for (const [name, graph] of Object.entries(graphs)) {
    const feeds = Object.fromEntries(graph.inputs.map((input) => [input.attributes.name, feed(input, sizes)]));
    const session = await runtime.open(graph, new Map());
    sessions[name] = { run: () => session.run(feeds), release: () => session.release() };
  }
  return sessions;
}

function feed(input, sizes) {
  const shape = evaluateShape(input.shape, sizes);
  const length = shape.reduce((product, n) => product * n, 1);
  return { data: Float32Array.from({ length }, (_, i) => 0.1 * Math.sin(1.3 * i)), shape };
}

let sessions = {};
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.open) {
    for (const { release } of Object.values(sessions)) await release();
    sessions = await open(message.open);
  }
  const [start, before] = [performance.now(), process.cpuUsage()];
  if (message.run) await sessions[message.run].run();
  const { user, system } = process.cpuUsage(before);
  const times = { seconds: (performance.now() - start) / 1e3, cpu: (user + system) / 1e6 };
  process.stdout.write(`${JSON.stringify(times)}\n`);
}
