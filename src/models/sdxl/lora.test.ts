/** @file LoRA files against diffusers and PEFT, which made the fixtures (scripts/goldens/lora.py). */

import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import {
  encodeSafetensors,
  openSafetensors,
  readTensorBytes,
  type TensorToWrite,
} from "../../formats/safetensors/index.ts";
import type { Graph } from "../../graph/graph.ts";
import { verifyGraph } from "../../graph/verify.ts";
import { onnxRuntime } from "../../runtime/onnx/session.ts";
import { referenceRuntime } from "../../runtime/reference/interpreter.ts";
import { int64, type Runtime, type Value } from "../../runtime/runtime.ts";
import { openCheckpoint } from "./checkpoint.ts";
import { clipGraph } from "./clip.ts";
import { openLora } from "./lora-file.ts";
import { strengthInput, withLoraFiles } from "./lora-graph.ts";
import type { LoraComponent } from "./lora-targets.ts";
import { unetGraph } from "./unet.ts";

const fixtures = join(import.meta.dirname, "../../../test/fixtures");
const tiny = await openCheckpoint(join(fixtures, "tiny-sdxl"));
const { configs, weights } = tiny;
const kohya = join(fixtures, "lora/kohya.safetensors");
const inputs = await openSafetensors(join(fixtures, "networks.safetensors"));
const goldens = await openSafetensors(join(fixtures, "lora/outputs.safetensors"));
const folder = await mkdtemp(join(tmpdir(), "lora-"));
afterAll(() => rm(folder, { recursive: true }));

async function golden(file: typeof inputs, name: string): Promise<Value> {
  const { dtype, shape } = file.tensors.get(name)!;
  const bytes = (await readTensorBytes(file, name)).slice().buffer;
  return { data: dtype === "I64" ? new BigInt64Array(bytes) : new Float32Array(bytes), shape };
}

type Case = { component: LoraComponent; graph: Graph; inputs: Record<string, string>; outputs: Record<string, string> };
const cases: Record<string, Case> = {
  "unet.odd_154": {
    component: "unet",
    graph: unetGraph(configs.unet),
    inputs: {
      sample: "unet.sample_odd",
      timestep: "unet.timesteps_154",
      context: "unet.context_154",
      pooled: "unet.pooled",
      timeIds: "unet.time_ids",
    },
    outputs: { output: "sample" },
  },
  "text_encoder.padded_77": {
    component: "textEncoder",
    graph: clipGraph(configs.textEncoder),
    inputs: { ids: "text_encoder.ids" },
    outputs: { states: "penultimate" },
  },
  "text_encoder_2.padded_77": {
    component: "textEncoder2",
    graph: clipGraph(configs.textEncoder2),
    inputs: { ids: "text_encoder_2.ids" },
    outputs: { states: "penultimate", pooled: "text_embeds" },
  },
};

function endRows(ids: Value): Value {
  const [texts, tokens] = ids.shape as [number, number];
  const rows = Array.from({ length: texts }, (_, n) => {
    const row = [...ids.data.slice(n * tokens, (n + 1) * tokens)].map(Number);
    return n * tokens + row.indexOf(Math.max(...row));
  });
  return int64(rows, [texts]);
}

async function feedsOf({ graph, inputs: names }: Case): Promise<Record<string, Value>> {
  const feeds: Record<string, Value> = {};
  for (const [input, tensor] of Object.entries(names)) feeds[input] = await golden(inputs, tensor);
  if (graph.inputs.some(({ attributes }) => attributes.name === "endRows")) feeds.endRows = endRows(feeds.ids!);
  return feeds;
}

const scalar = (value: number): Value => ({ data: Float32Array.of(value), shape: [] });

/** Largest difference relative to the largest value. */
function relativeError(ours: Value, theirs: Value): number {
  expect(ours.shape).toEqual(theirs.shape);
  let difference = 0;
  let largest = 0;
  for (const [i, value] of (theirs.data as Float32Array).entries()) {
    difference = Math.max(difference, Math.abs(Number(ours.data[i]) - value));
    largest = Math.max(largest, Math.abs(value));
  }
  return difference / largest;
}

describe.each([
  // float32 networks, as without a LoRA (networks.test.ts); the interpreter against float64 outputs rounded to float32.
  { runtime: onnxRuntime({ threads: 2, residency: "folded" }), residency: "folded", bound: 1e-4 },
  { runtime: onnxRuntime({ threads: 2, residency: "mapped" }), residency: "mapped", bound: 1e-4 },
  { runtime: referenceRuntime(), residency: "float64", bound: 1e-6 },
])("$runtime.name, $residency", ({ runtime, bound }: { runtime: Runtime; bound: number }) => {
  test.each(Object.entries(cases))("%s", async (name, network) => {
    const { component, graph, outputs } = network;
    const lora = await openLora(kohya, configs);
    expect(lora.unknown).toEqual([]);
    const applied = withLoraFiles(graph, weights[component], component, [lora]);
    verifyGraph(applied.graph);
    const session = await runtime.open(applied.graph, applied.weights);
    const feeds = await feedsOf(network);
    // One session, two strengths.
    for (const strength of [1, 0.5]) {
      const results = await session.run({ ...feeds, [strengthInput(0)]: scalar(strength) });
      for (const [ours, theirs] of Object.entries(outputs)) {
        const value = await golden(goldens, `${name}.${theirs}.${strength.toFixed(1)}`);
        expect(relativeError(results[ours]!, value), `${ours} at ${strength}`).toBeLessThan(bound);
      }
    }
    await session.release();
  });
});

test("two LoRAs at half strength are one at full strength", async () => {
  const network = cases["unet.odd_154"]!;
  const lora = await openLora(kohya, configs);
  const { graph, weights: all } = withLoraFiles(network.graph, weights.unet, "unet", [lora, lora]);
  const session = await onnxRuntime({ threads: 2 }).open(graph, all);
  const halves = { [strengthInput(0)]: scalar(0.75), [strengthInput(1)]: scalar(0.25) };
  const { output } = await session.run({ ...(await feedsOf(network)), ...halves });
  expect(relativeError(output!, await golden(goldens, "unet.odd_154.sample.1.0"))).toBeLessThan(1e-4);
  await session.release();
});

type Names = { metadata: string; tensors: [diffusers: string, kohya: string, shape: number[]][] };
const names: Names = JSON.parse(gunzipSync(readFileSync(join(fixtures, "lora/names.json.gz"))).toString());

/** A LoRA beside every layer, under names of some kind; what its numbers are does not matter here. */
async function fileOf(
  file: string,
  keyOf: (row: Names["tensors"][number]) => string,
  metadata: Record<string, string> = {},
  alphas = false,
): Promise<string> {
  const tensors: TensorToWrite[] = names.tensors.map((row) => {
    const length = row[2].reduce((product, n) => product * n, 1);
    return { name: keyOf(row), dtype: "F16", shape: row[2], data: new Uint8Array(2 * length) };
  });
  if (alphas) {
    for (const row of names.tensors.filter(([, key]) => key.endsWith("down.weight"))) {
      const alpha = row[2][0] === 1 ? 1.5 : 3;
      const name = keyOf(row).replace(/\.lora_(down|A)\.weight$|\.lora\.down\.weight$/, ".alpha");
      tensors.push({ name, dtype: "F32", shape: [], data: new Uint8Array(Float32Array.of(alpha).buffer) });
    }
  }
  const path = join(folder, file);
  await writeFile(path, await encodeSafetensors(tensors, metadata));
  return path;
}

test("every layer has the same place under kohya's, diffusers' and other names", async () => {
  const asDown = (key: string, down: string, up: string) =>
    key.replace(".lora_A.weight", down).replace(".lora_B.weight", up);
  const theirs = await openLora(await fileOf("kohya.safetensors", ([, key]) => key, {}, true), configs);
  expect(Object.values(theirs.parts).map(({ targets }) => targets.size)).toEqual([
    names.tensors.filter(([key]) => key.startsWith("unet.")).length / 2,
    18,
    18,
  ]);
  const files = [
    await fileOf("peft.safetensors", ([key]) => key, { lora_adapter_metadata: names.metadata }),
    await fileOf(
      "named.safetensors",
      ([key]) => key.replace(/_[AB]\.weight$/, (end) => `${end[0]}${end[1]}.a.weight`),
      {
        lora_adapter_metadata: names.metadata,
      },
    ),
    await fileOf("old.safetensors", ([key]) => asDown(key, ".lora.down.weight", ".lora.up.weight"), {}, true),
    await fileOf(
      "underscored.safetensors",
      ([key]) => {
        const prefixed = key
          .replace(/^unet\./, "lora_unet_")
          .replace(/^text_encoder(_2)?\.(text_model\.)?/, (_, two) => `lora_te${two ? 2 : 1}_text_model_`);
        const [module, ...rest] = asDown(prefixed, "|.lora_down.weight", "|.lora_up.weight").split("|");
        return module!.replaceAll(".", "_") + rest.join("");
      },
      {},
      true,
    ),
  ];
  for (const path of files) {
    const { parts, unknown } = await openLora(path, configs);
    expect(unknown, path).toEqual([]);
    for (const component of ["unet", "textEncoder", "textEncoder2"] as const) {
      expect(Object.fromEntries(parts[component].targets), path).toEqual(
        Object.fromEntries(theirs.parts[component].targets),
      );
      expect([...parts[component].weights.keys()].sort()).toEqual([...theirs.parts[component].weights.keys()].sort());
    }
  }
});

test("PEFT's own files, and the UNet's paths alone, are the UNet's LoRA at the scale that PEFT says", async () => {
  const unet = names.tensors.filter(([key]) => key.startsWith("unet."));
  const write = async (path: string, keyOf: (key: string, kohya: string) => string) => {
    const tensors = unet.map(([key, theirs, shape], i): TensorToWrite => {
      const data = new Uint8Array(2 * shape.reduce((product, n) => product * n, 1)).fill(i);
      return { name: keyOf(key.slice("unet.".length), theirs), dtype: "F16", shape, data };
    });
    await writeFile(join(folder, path), await encodeSafetensors(tensors, {}));
    const { parts, unknown } = await openLora(join(folder, path), configs);
    expect(unknown).toEqual([]);
    const bytes = (source: { path: string; offset: number; length: number }) =>
      readFileSync(source.path)
        .subarray(source.offset, source.offset + source.length)
        .toString("hex");
    const { targets, weights: sources } = parts.unet;
    return {
      targets: Object.fromEntries(targets),
      bytes: new Map([...sources].map(([k, v]) => [k, bytes(v as never)])),
    };
  };
  const theirs = await write("unet-kohya.safetensors", (_, kohya) => kohya);
  expect(Object.values(theirs.targets).every(({ alpha, rank }) => alpha === rank)).toBe(true);
  expect(await write("bare.safetensors", (key) => key)).toEqual(theirs);
  expect(await write("adapter_model.safetensors", (key) => `base_model.model.${key}`)).toEqual(theirs);
  await writeFile(join(folder, "adapter_config.json"), JSON.stringify({ lora_alpha: 24, r: 8 }));
  const scaled = await write("adapter_model.safetensors", (key) => `base_model.model.${key}`);
  expect(Object.values(scaled.targets).every(({ alpha }) => alpha === 24)).toBe(true);
  expect(scaled.bytes).toEqual(theirs.bytes);
});
