/** @file What stays open when LoRAs come, change their strength, and go. What they compute is tested beside `openLora`. */

import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { onnxRuntime } from "../runtime/onnx/session.ts";
import { int64 } from "../runtime/runtime.ts";
import { openPipeline } from "./pipeline.ts";

const fixtures = join(import.meta.dirname, "../../test/fixtures");
const path = join(fixtures, "lora/kohya.safetensors");
const options = {
  runtime: onnxRuntime({ threads: 1 }),
  clipSkip: 2,
  budget: { limit: 2 ** 32, comfort: 2 ** 32 },
};

// The fixture has encoders of 1,000 tokens and no tokenizer: it is given one of theirs.
const model = await mkdtemp(join(tmpdir(), "tiny-"));
await cp(join(fixtures, "tiny-sdxl"), model, { recursive: true });
for (const name of ["tokenizer", "tokenizer_2"]) {
  await mkdir(join(model, name));
  const vocab = { "!": 0, "<|startoftext|>": 998, "<|endoftext|>": 999 };
  await writeFile(join(model, name, "vocab.json"), JSON.stringify(vocab));
  await writeFile(join(model, name, "merges.txt"), "");
}
const pipeline = await openPipeline(model, options);
afterAll(async () => {
  await pipeline.close();
  await rm(model, { recursive: true });
});

const sizes = { texts: 1 };
const feeds = { ids: int64(Array(77).fill(5), [1, 77]) };

/** One number that stands for an encoder's whole output. */
async function sum(): Promise<number> {
  const session = await pipeline.shelf.take("textEncoder", sizes);
  const { states } = await session.run(feeds);
  return (states!.data as Float32Array).reduce((total, value) => total + Math.abs(value), 0);
}

const lora = (textEncoder: number, unet = 0) => ({ path, textEncoder, unet });

test("a model whose encoders lack the built-in vocabulary's tokens does not open", async () => {
  await expect(openPipeline(join(fixtures, "tiny-sdxl"), options)).rejects.toMatchObject({
    code: "bad_shape",
    message: expect.stringMatching(/text_encoder has 1000 tokens \(vocab_size\), and the built-in .* up to 49407$/),
  });
});

test("strengths change without opening anything; files open and close what they change", async () => {
  const without = await sum();
  const plain = await pipeline.shelf.take("textEncoder", sizes);
  await pipeline.setLoras([lora(1)]);
  expect(pipeline.shelf.has("textEncoder")).toBe(false);
  const full = await sum();
  expect(Math.abs(full - without)).toBeGreaterThan(0.01 * without);
  const session = await pipeline.shelf.take("textEncoder", sizes);
  expect(session).not.toBe(plain);

  await pipeline.setLoras([lora(0)]);
  expect(await pipeline.shelf.take("textEncoder", sizes)).toBe(session);
  // float32 sums in the same order, plus zeros.
  expect(await sum()).toBeCloseTo(without, 3);
  await pipeline.setLoras([lora(0, 1)]);
  expect(await sum()).toBeCloseTo(without, 3);
  await pipeline.setLoras([lora(1)]);
  expect(await sum()).toBe(full);

  await pipeline.setLoras([lora(0.75), lora(0.25)]);
  expect(pipeline.shelf.has("textEncoder")).toBe(false);
  expect(await sum()).toBeCloseTo(full, 3);

  await pipeline.setLoras([]);
  expect(await sum()).toBe(without);
});

test("a LoRA that cannot be opened leaves all as it was", async () => {
  await pipeline.setLoras([lora(1)]);
  const session = await pipeline.shelf.take("textEncoder", sizes);
  await expect(pipeline.setLoras([{ ...lora(1), path: "/nowhere.safetensors" }])).rejects.toMatchObject({
    code: "missing_file",
  });
  expect(pipeline.loras().map(({ file }) => file.name)).toEqual(["kohya"]);
  expect(await pipeline.shelf.take("textEncoder", sizes)).toBe(session);
});

test("the estimate of memory counts a LoRA's weights", async () => {
  const unet = { batch: 1, height: 8, width: 8, tokens: 77 };
  await pipeline.setLoras([]);
  const { open: without } = pipeline.shelf.footprint("unet", unet);
  await pipeline.setLoras([lora(1, 1)]);
  const { file } = pipeline.loras()[0]!;
  const numbers = [...file.parts.unet.weights.values()].reduce((total, { length }) => total + length / 2, 0);
  const { open } = pipeline.shelf.footprint("unet", unet);
  expect(open - without).toBeGreaterThanOrEqual(4 * numbers);
});
