/** @file What is settled before any work, on the shipped model: nothing is opened but headers. */

import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openPipeline } from "../pipeline/pipeline.ts";
import { onnxRuntime } from "../runtime/onnx/session.ts";
import { type GenerateInput, parseGenerateOptions } from "./generate-options.ts";
import { settle } from "./settle.ts";

const model = join(import.meta.dirname, "../../test/fixtures/nano-bootstrap");
const unlimited = { comfort: Number.MAX_SAFE_INTEGER, limit: Number.MAX_SAFE_INTEGER };
const pipeline = await openPipeline(model, { runtime: onnxRuntime({ threads: 1 }), clipSkip: 2, budget: unlimited });
afterAll(() => pipeline.close());

const settled = (input: Partial<GenerateInput> = {}) =>
  settle(parseGenerateOptions({ model, prompt: "1girl", seed: 1, steps: 10, ...input }), pipeline);

test("memory is counted for what the decoder will read: the whole picture, or one tile", async () => {
  const large = { width: 2048, height: 1536 };
  const [off, auto, on] = await Promise.all(
    (["off", "auto", "on"] as const).map((vaeTile) => settled({ ...large, vaeTile })),
  );
  expect(off!.decodeSizes).toEqual({ batch: 1, height: 192, width: 256 });
  // (192 + 32) / 2 and (256 + 2 · 32) / 3; then (192 + 3 · 16) / 4 and (256 + 4 · 16) / 5.
  expect(auto!.decodeSizes).toEqual({ batch: 1, height: 112, width: 107 });
  expect(on!.decodeSizes).toEqual({ batch: 1, height: 60, width: 64 });
  expect(off!.memoryBytes).toBeGreaterThan(auto!.memoryBytes);
  // The UNet's run at this size is the larger moment of these two.
  expect(auto!.memoryBytes).toBeGreaterThanOrEqual(on!.memoryBytes);
  const small = await settled({ vaeTile: "on" });
  expect(small.tiling).toBeDefined();
  expect((await settled()).tiling).toBeUndefined();
});

test("how far back a comma may lie decides where a chunk ends", async () => {
  // A comma is token 62 of the first 75, with twelve words behind it.
  const prompt = `${"word ".repeat(62)}, ${"word ".repeat(20)}`;
  const ends = async (commaBacktrack?: number) => {
    const { plans } = await settled({ prompt, ...(commaBacktrack !== undefined && { commaBacktrack }) });
    return plans[0].parts[0]!.schedule[0]!.chunks.map(({ end }) => end - 1);
  };
  expect(await ends()).toEqual([63, 20]);
  expect(await ends(13)).toEqual([63, 20]);
  expect(await ends(12)).toEqual([75, 8]);
  expect(await ends(0)).toEqual([75, 8]);
});

test("prompt editing is measured in calls of the network: twice the steps for Heun", async () => {
  const lastOf = async (sampler: string) =>
    (await settled({ prompt: "[a:b:0.5]", sampler, steps: 10 })).plans[0].parts[0]!.schedule.map(({ until }) => until);
  expect(await lastOf("euler")).toEqual([5, 10]);
  expect(await lastOf("heun")).toEqual([10, 20]);
});

test("a sampler and a schedule that cannot give a picture are refused with the measured error", async () => {
  const refused = settled({ sampler: "heun", schedule: "beta_forge", steps: 28 });
  await expect(refused).rejects.toMatchObject({
    code: "unsupported",
    message: expect.stringMatching(/^heun on beta_forge .* off/),
  });
});

test("a negative prompt that is not read is told: guidance of 1 has no use for it, but for prompts joined by AND", async () => {
  const isTold = async (input: Partial<GenerateInput>) =>
    (await settled(input)).warnings.some(({ message }) => message === "the negative prompt does nothing at guidance 1");
  expect(await isTold({ cfg: 1, negativePrompt: "text" })).toBe(true);
  expect(await isTold({ cfg: 1, negativePrompt: " " })).toBe(false);
  expect(await isTold({ cfg: 1.5, negativePrompt: "text" })).toBe(false);
  expect(await isTold({ cfg: 1, negativePrompt: "text", prompt: "1girl AND garden" })).toBe(false);
});
