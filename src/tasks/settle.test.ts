/** @file What is settled before any work, on the shipped model: nothing is opened but headers. */

import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openPipeline } from "../pipeline/pipeline.ts";
import { onnxRuntime } from "../runtime/onnx/session.ts";
import { type GenerateInput, parseGenerateOptions } from "./generate-options.ts";
import { settle } from "./settle.ts";

const model = join(import.meta.dirname, "../../models/nano-bootstrap");
const unlimited = { comfort: Number.MAX_SAFE_INTEGER, limit: Number.MAX_SAFE_INTEGER };
const pipeline = await openPipeline(model, { runtime: onnxRuntime({ threads: 1 }), clipSkip: 2, budget: unlimited });
afterAll(() => pipeline.close());

const settled = (input: Partial<GenerateInput> = {}) =>
  settle(parseGenerateOptions({ model, prompt: "1girl", seed: 1, steps: 10, ...input }), pipeline);

test("memory is counted for what the decoder will read: the whole picture, or one tile", () => {
  const large = { width: 2048, height: 1536 };
  const [off, auto, on] = (["off", "auto", "on"] as const).map((vaeTile) => settled({ ...large, vaeTile }));
  expect(off!.decodeSizes).toEqual({ batch: 1, height: 192, width: 256 });
  // (192 + 32) / 2 and (256 + 2 · 32) / 3; then (192 + 3 · 16) / 4 and (256 + 4 · 16) / 5.
  expect(auto!.decodeSizes).toEqual({ batch: 1, height: 112, width: 107 });
  expect(on!.decodeSizes).toEqual({ batch: 1, height: 60, width: 64 });
  expect(off!.memoryBytes).toBeGreaterThan(auto!.memoryBytes);
  // The UNet's run at this size is the larger moment of these two.
  expect(auto!.memoryBytes).toBeGreaterThanOrEqual(on!.memoryBytes);
  const small = settled({ vaeTile: "on" });
  expect(small.tiling).toBeDefined();
  expect(settled().tiling).toBeUndefined();
});
