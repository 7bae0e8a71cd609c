/** @file SDXL's step in segments against the same step whole, on both runtimes. */

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { evaluateShape } from "../graph/dim.ts";
import { verifyGraph } from "../graph/verify.ts";
import { openCheckpoint } from "../models/sdxl/checkpoint.ts";
import { LORA_COMPONENTS, loraTargets } from "../models/sdxl/lora-targets.ts";
import { onnxRuntime } from "../runtime/onnx/session.ts";
import { readWeight } from "../runtime/read-weight.ts";
import { referenceRuntime } from "../runtime/reference/interpreter.ts";
import { int64, type Value } from "../runtime/runtime.ts";
import { openStep } from "../training/segments/open-step.ts";
import { segmented } from "../training/segments/segmented.ts";
import { partWeights, type SdxlStep, sdxlStep } from "./sdxl-step.ts";

const { configs, weights } = await openCheckpoint(join(import.meta.dirname, "../../test/fixtures/tiny-sdxl"));
const frozen = partWeights(weights);

const attention = [...loraTargets("unet", configs, { rank: 2 })].filter(([name]) => /\.attn[12]\./.test(name));

const steps: Record<string, () => SdxlStep> = {
  "low-rank pairs beside attention": () =>
    sdxlStep(configs, { train: [], lora: { unet: new Map(attention) }, loss: "l2" }),
  "all networks": () => sdxlStep(configs, { train: LORA_COMPONENTS, loss: "smooth_l1" }),
};

/** An odd height: what is halved and doubled is not what it was. */
const sizes = new Map(Object.entries({ batch: 2, height: 7, width: 8, tokens: 77, chunks: 1 }));

async function feedsOf({ graph }: SdxlStep): Promise<Record<string, Value>> {
  const feeds = graph.inputs.map(async ({ attributes: { name }, shape, dtype }, k): Promise<[string, Value]> => {
    const known = evaluateShape(shape, sizes);
    if (dtype === "i64") return [name, int64([20, 90], known)];
    const stored = frozen.get(name);
    if (stored) return [name, { data: await readWeight({ ...stored, shape: known }), shape: known }];
    const length = known.reduce((product, n) => product * n, 1);
    return [name, { data: Float32Array.from({ length }, (_, i) => 0.5 * Math.sin(1.3 * i + k) ** 2), shape: known }];
  });
  return Object.fromEntries(await Promise.all(feeds));
}

const norm = ({ data }: Value): number => Math.sqrt([...data].reduce<number>((sum, v) => sum + Number(v) ** 2, 0));

function error(found: Value, right: Value): number {
  const differences = [...right.data].map((v, i) => Number(v) - Number(found.data[i]));
  return norm({ data: Float64Array.from(differences), shape: [] });
}

describe.each([
  // With other neighbours ONNX Runtime fuses otherwise, which moves last bits; PyTorch's own float32 is off by 1.1e-5 of a
  // parameter's gradient.
  { runtime: onnxRuntime({ threads: 2 }), bound: 1e-6, ofEach: 1e-4 },
  { runtime: referenceRuntime(), bound: 1e-12, ofEach: 1e-12 },
])("$runtime.name", ({ runtime, bound, ofEach }) => {
  test.each(Object.entries(steps))("%s", { timeout: 300_000 }, async (_, stepOf) => {
    const step = stepOf();
    for (const { forward, backward } of segmented(step).segments) {
      if (forward) verifyGraph(forward);
      if (backward) verifyGraph(backward);
    }
    const feeds = await feedsOf(step);
    const [whole, cut] = await Promise.all(
      (["off", "on"] as const).map(async (segments) => {
        const session = await openStep(runtime, step, frozen, { segments });
        const results = await session.run(feeds);
        await session.release();
        return results;
      }),
    );
    expect(Object.keys(cut!).sort()).toEqual(Object.keys(whole!).sort());
    const all = Math.hypot(...Object.values(whole!).map(norm));
    for (const [name, right] of Object.entries(whole!)) {
      expect(cut![name]!.shape, name).toEqual(right.shape);
      // What norms and softmax do not see has a gradient of roundings alone.
      const scale = Math.max(norm(right), 1e-3 * all);
      expect(error(cut![name]!, right) / scale, name).toBeLessThan(ofEach);
    }
    const errors = Object.entries(whole!).map(([name, right]) => error(cut![name]!, right));
    expect(Math.hypot(...errors) / all).toBeLessThan(bound);
  });
});

test("the network is cut behind each layer of the UNet; what comes before the first pair is not run backwards", () => {
  const { segments } = segmented(steps["low-rank pairs beside attention"]!());
  // conv_in; 2 and a downsampler, the same, 2; mid; 3 and an upsampler, the same, 3; the last convolution.
  expect(segments.length).toBe(1 + 3 + 3 + 2 + 1 + 4 + 4 + 3 + 1);
  const first = segments.findIndex(({ backward }) => backward);
  expect(segments.map(({ backward }) => backward !== undefined)).toEqual(segments.map((_, i) => i >= first));
  // The UNet's first level has no attention.
  expect(first).toBe(1 + 3);
});
