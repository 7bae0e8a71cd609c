/** @file Every network on both runtimes against diffusers and transformers, which made the fixtures (scripts/goldens). */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openSafetensors, readTensorBytes } from "../../formats/safetensors/index.ts";
import type { Graph } from "../../graph/graph.ts";
import { verifyGraph } from "../../graph/verify.ts";
import { onnxRuntime } from "../../runtime/onnx/session.ts";
import { referenceRuntime } from "../../runtime/reference/interpreter.ts";
import { int64, type Runtime, type Session, type Value } from "../../runtime/runtime.ts";
import type { Weights } from "../../runtime/weights.ts";
import { clipGraph } from "./clip.ts";
import { parseClipConfig, parseUNetConfig, parseVaeConfig } from "./config-json.ts";
import { unetGraph } from "./unet.ts";
import { vaeDecoderGraph, vaeEncoderGraph } from "./vae.ts";

const fixtures = join(import.meta.dirname, "../../../test/fixtures");
const json = (path: string) => JSON.parse(readFileSync(join(fixtures, path), "utf8"));

type Output = { float32: string; float64: string };
type Case = { name: string; network: string; inputs: Record<string, string>; outputs: Record<string, Output> };
const cases: Case[] = json("networks.json").cases;
const goldens = await openSafetensors(join(fixtures, "networks.safetensors"));

async function golden(name: string): Promise<Value> {
  const { dtype, shape } = goldens.tensors.get(name)!;
  const bytes = (await readTensorBytes(goldens, name)).slice().buffer;
  const data = { F32: Float32Array, F64: Float64Array, I64: BigInt64Array }[dtype as "F32" | "F64" | "I64"];
  return { data: new data(bytes), shape };
}

async function weightsOf(path: string): Promise<Weights> {
  const file = await openSafetensors(join(fixtures, "tiny-sdxl", path));
  // transformers 5 leaves the prefix out where the model has no projection.
  const named = (name: string) => (path.startsWith("text_encoder/") ? `text_model.${name}` : name);
  return new Map(
    [...file.tensors].map(([name, t]) => [named(name), { ...t, path: file.path, dtype: t.dtype as "F16" }]),
  );
}

/** Largest difference relative to the largest value: what matters is the error against the tensor's scale. */
function relativeError(ours: Value, theirs: Value): number {
  expect(ours.shape).toEqual(theirs.shape);
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < theirs.data.length; i++) {
    difference = Math.max(difference, Math.abs(Number(ours.data[i]) - Number(theirs.data[i])));
    largest = Math.max(largest, Math.abs(Number(theirs.data[i])));
  }
  return difference / largest;
}

const unet = unetGraph(parseUNetConfig(json("tiny-sdxl/unet/config.json")), { taps: true });
const vaeConfig = parseVaeConfig(json("tiny-sdxl/vae/config.json"));
const encoder = vaeEncoderGraph(vaeConfig);
const decoder = vaeDecoderGraph(vaeConfig);
const text = clipGraph(parseClipConfig(json("tiny-sdxl/text_encoder/config.json"), "text_encoder"));
const text2 = clipGraph(parseClipConfig(json("tiny-sdxl/text_encoder_2/config.json"), "text_encoder_2"));

const networks: Record<string, { graph: Graph; weights: string }> = {
  unet: { graph: unet, weights: "unet/diffusion_pytorch_model.safetensors" },
  encode: { graph: encoder, weights: "vae/diffusion_pytorch_model.safetensors" },
  decode: { graph: decoder, weights: "vae/diffusion_pytorch_model.safetensors" },
  text_encoder: { graph: text, weights: "text_encoder/model.safetensors" },
  text_encoder_2: { graph: text2, weights: "text_encoder_2/model.safetensors" },
};

/** diffusers' names for what our graphs call otherwise. */
const inputNames: Record<string, string> = { timesteps: "timestep", time_ids: "timeIds", latent: "latents" };
const outputNames: Record<string, string> = {
  sample: "output",
  penultimate: "states",
  text_embeds: "pooled",
  logvar: "logVariance",
};
const ours = (name: string) => outputNames[name] ?? name;

test.each(Object.entries(networks))("%s passes the verifier", (_name, { graph }) => verifyGraph(graph));

describe.each([
  // float32 against float32 PyTorch, whose own rounding is about 1e-5; the interpreter against float64 PyTorch.
  { runtime: onnxRuntime({ threads: 2 }), precision: "float32" as const, bound: 1e-4 },
  { runtime: referenceRuntime(), precision: "float64" as const, bound: 1e-10 },
])("$runtime.name", ({ runtime, precision, bound }: { runtime: Runtime; precision: keyof Output; bound: number }) => {
  const sessions = new Map<string, Promise<Session>>();

  test.each(cases.map((c) => [c.name, c] as const))("%s", async (name, { network, inputs, outputs }) => {
    const key = network === "vae" ? name.split(".")[1]!.split("_")[0]! : network;
    const { graph, weights } = networks[key]!;
    if (!sessions.has(key))
      sessions.set(
        key,
        weightsOf(weights).then((w) => runtime.open(graph, w)),
      );
    const session = await sessions.get(key)!;
    const feeds: Record<string, Value> = {};
    for (const [input, tensor] of Object.entries(inputs)) feeds[inputNames[input] ?? input] = await golden(tensor);
    if (network === "text_encoder_2") feeds.endRows = endRows(feeds.ids!);
    const compared = Object.keys(outputs).filter((output) => graph.outputs.has(ours(output)));
    expect(compared.length).toBeGreaterThan(0);
    const results = await session.run(feeds, compared.map(ours));
    for (const output of compared) {
      const error = relativeError(results[ours(output)]!, await golden(outputs[output]![precision]));
      expect(error, output).toBeLessThan(bound);
    }
  });
});

function endRows(ids: Value): Value {
  const [texts, tokens] = ids.shape as [number, number];
  const rows = Array.from({ length: texts }, (_, n) => {
    const row = [...ids.data.slice(n * tokens, (n + 1) * tokens)].map(Number);
    return n * tokens + row.indexOf(Math.max(...row));
  });
  return int64(rows, [texts]);
}
