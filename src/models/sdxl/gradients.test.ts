/** @file Gradients of whole networks, on both runtimes, against PyTorch's in float64 (scripts/goldens/gradients.py). */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { gradients } from "../../autodiff/gradients.ts";
import { openSafetensors, readTensorBytes } from "../../formats/safetensors/index.ts";
import { evaluateShape } from "../../graph/dim.ts";
import { type Graph, graphOf } from "../../graph/graph.ts";
import * as g from "../../graph/ops.ts";
import type { Tensor, TensorOf } from "../../graph/tensor.ts";
import { verifyGraph } from "../../graph/verify.ts";
import { onnxRuntime } from "../../runtime/onnx/session.ts";
import { referenceRuntime } from "../../runtime/reference/interpreter.ts";
import { int64, type Value } from "../../runtime/runtime.ts";
import { sizesOf } from "../../runtime/sizes.ts";
import type { Weights } from "../../runtime/weights.ts";
import { clipGraph } from "./clip.ts";
import { parseClipConfig, parseUNetConfig, parseVaeConfig } from "./config-json.ts";
import { unetGraph } from "./unet.ts";
import { vaeDecoderGraph, vaeEncoderGraph } from "./vae.ts";

const fixtures = join(import.meta.dirname, "../../../test/fixtures");
const json = (path: string) => JSON.parse(readFileSync(join(fixtures, path), "utf8"));

type Numbers = { shape: number[]; values: number[] };
type Case = {
  name: string;
  inputs: Record<string, string>;
  targets: Record<string, number>;
  loss: number;
  parameters: { name: string; k: number; norm: number; dot: number }[];
  unused: string[];
  full: Record<string, Numbers>;
  inputGradients: Record<string, Numbers>;
};
const cases: Case[] = JSON.parse(gunzipSync(readFileSync(join(fixtures, "gradients.json.gz"))).toString()).cases;
const goldens = await openSafetensors(join(fixtures, "networks.safetensors"));

const vae = parseVaeConfig(json("tiny-sdxl/vae/config.json"));
const clip = (folder: "text_encoder" | "text_encoder_2") =>
  clipGraph(parseClipConfig(json(`tiny-sdxl/${folder}/config.json`), folder));
const networks: { name: string; graph: Graph; file: string }[] = [
  {
    name: "unet",
    graph: unetGraph(parseUNetConfig(json("tiny-sdxl/unet/config.json"))),
    file: "unet/diffusion_pytorch_model.safetensors",
  },
  { name: "text_encoder", graph: clip("text_encoder"), file: "text_encoder/model.safetensors" },
  { name: "text_encoder_2", graph: clip("text_encoder_2"), file: "text_encoder_2/model.safetensors" },
  { name: "vae.encode", graph: vaeEncoderGraph(vae), file: "vae/diffusion_pytorch_model.safetensors" },
  { name: "vae.decode", graph: vaeDecoderGraph(vae), file: "vae/diffusion_pytorch_model.safetensors" },
];
/** A case's name is its network's and what it is fed: `unet.wide_77`, `vae.encode_tall`. */
const casesOf = (network: string) => cases.filter(({ name }) => name.replace(/\.\w+_\d+$|_tall$/, "") === network);

/** diffusers' names for what our graphs call otherwise. */
const names: Record<string, string> = { timesteps: "timestep", time_ids: "timeIds", latent: "latents" };
const outputNames: Record<string, string> = {
  sample: "output",
  penultimate: "states",
  text_embeds: "pooled",
  logvar: "logVariance",
};

async function golden(name: string): Promise<Value> {
  const { dtype, shape } = goldens.tensors.get(name)!;
  const bytes = (await readTensorBytes(goldens, name)).slice().buffer;
  return { data: dtype === "I64" ? new BigInt64Array(bytes) : new Float32Array(bytes), shape };
}

async function weightsOf(path: string): Promise<Weights> {
  const file = await openSafetensors(join(fixtures, "tiny-sdxl", path));
  const named = (name: string) => (path.startsWith("text_encoder/") ? `text_model.${name}` : name);
  return new Map(
    [...file.tensors].map(([name, t]) => [named(name), { ...t, path: file.path, dtype: t.dtype as "F32" }]),
  );
}

const outputNamed = (graph: Graph, name: string): Tensor => graph.outputs.get(outputNames[name] ?? name)!;

const inputNamed = (name: string): string => names[name] ?? name;

/** The fixtures' one formula for fixed numbers. */
const wave = (i: number, k: number) => Math.cos(0.37 * i + 0.11 * k);

/** The sum over the outputs of the mean squared distance to their targets, as the fixtures have it. */
function lossOf(graph: Graph, targets: readonly string[]): Tensor {
  const errors = targets.map((name) => {
    const output = outputNamed(graph, name);
    const error = g.sub(output, g.input(`target ${name}`, output.shape));
    const axes = output.shape.map((_, axis) => axis);
    return g.mean(g.mul(error, error), axes);
  });
  return errors.reduce((sum, error) => g.add(sum, error));
}

/** The loss, and its gradients with respect to every weight and every input that a case has a gradient for. */
function backwardOf(graph: Graph, ofNetwork: readonly Case[]): Graph {
  const loss = lossOf(graph, Object.keys(ofNetwork[0]!.targets));
  const leaves = new Set(ofNetwork.flatMap(({ inputGradients }) => Object.keys(inputGradients).map(inputNamed)));
  const inputs = graph.inputs.filter(({ attributes }) => leaves.has(attributes.name));
  const found = gradients(loss, [...graph.weights, ...inputs]);
  const byName = [...found].map(([x, d]) => [`d ${(x as TensorOf<"weight">).attributes.name}`, d] as const);
  return graphOf({ loss, ...Object.fromEntries(byName) });
}

async function feedsOf(graph: Graph, { inputs, targets }: Case): Promise<Record<string, Value>> {
  const feeds: Record<string, Value> = {};
  for (const [input, tensor] of Object.entries(inputs)) feeds[inputNamed(input)] = await golden(tensor);
  if (graph.inputs.some(({ attributes }) => attributes.name === "endRows")) feeds.endRows = endRows(feeds.ids!);
  const sizes = sizesOf(graph, feeds);
  for (const [output, k] of Object.entries(targets)) {
    const shape = evaluateShape(outputNamed(graph, output).shape, sizes);
    const length = shape.reduce((product, n) => product * n, 1);
    feeds[`target ${output}`] = { data: Float64Array.from({ length }, (_, i) => wave(i, k)), shape };
  }
  return feeds;
}

function endRows({ data, shape }: Value): Value {
  const [texts, tokens] = shape as [number, number];
  const rows = Array.from({ length: texts }, (_, n) => {
    const row = [...data.slice(n * tokens, (n + 1) * tokens)].map(Number);
    return n * tokens + row.indexOf(Math.max(...row));
  });
  return int64(rows, [texts]);
}

function norm(x: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < x.length; i++) squares += x[i]! ** 2;
  return Math.sqrt(squares);
}

function distance(ours: ArrayLike<number>, theirs: readonly number[]): number {
  expect(ours.length).toBe(theirs.length);
  return norm(theirs.map((v, i) => v - ours[i]!));
}

test("every case of the fixtures is some network's", () => {
  expect(networks.flatMap(({ name }) => casesOf(name)).length).toBe(cases.length);
});

describe.each([
  // PyTorch's own float32 is off by up to 1.1e-5 of a parameter's gradient.
  { runtime: onnxRuntime({ threads: 2 }), bound: 1e-4 },
  // The fixtures' full gradients have 12 digits; float64 sums in another order part by less.
  { runtime: referenceRuntime(), bound: 1e-10 },
])("$runtime.name", ({ runtime, bound }) => {
  // Minutes where other work has the processor; seconds where it is free.
  test.each(networks)("$name", { timeout: 300_000 }, async ({ name: network, graph, file }) => {
    const ofNetwork = casesOf(network);
    expect(ofNetwork.length).toBeGreaterThan(0);
    const backward = backwardOf(graph, ofNetwork);
    verifyGraph(backward);
    const session = await runtime.open(backward, await weightsOf(file));
    for (const one of ofNetwork) {
      const results = await session.run(await feedsOf(graph, one));
      compare(one, new Map(Object.entries(results).map(([key, { data }]) => [key, data as Float64Array])), bound);
    }
    await session.release();
  });
});

function compare(golden: Case, found: ReadonlyMap<string, Float64Array>, bound: number): void {
  expect(Math.abs(found.get("loss")![0]! / golden.loss - 1), golden.name).toBeLessThan(bound);
  for (const name of golden.unused) expect(found.has(`d ${name}`), name).toBe(false);
  const whole = norm(golden.parameters.map((p) => p.norm));
  for (const { name, k, norm: length, dot } of golden.parameters) {
    const ours = found.get(`d ${name}`)!;
    expect(ours, name).toBeDefined();
    const along = ours.reduce((sum, v, i) => sum + v * wave(i, k), 0);
    // Where the gradient is 0 but for rounding, rounding is measured by the whole gradient.
    const scale = length > 0 ? length : whole;
    // The length of a wave: a difference of that length in the gradient makes one of that much more in the product.
    const reach = Math.sqrt(ours.length / 2);
    const error = Math.max(Math.abs(norm(ours) - length), Math.abs(along - dot) / reach) / scale;
    expect(error, `${golden.name} ${name}`).toBeLessThan(bound);
  }
  for (const [name, { values }] of [...Object.entries(golden.full), ...Object.entries(golden.inputGradients)]) {
    const error = distance(found.get(`d ${inputNamed(name)}`)!, values) / norm(values);
    expect(error, `${golden.name} ${name}`).toBeLessThan(bound);
  }
}
