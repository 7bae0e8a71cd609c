/** @file Hashes of weights: which file is read again, and that latents of earlier runs are found by them. */

import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Weights } from "../runtime/weights.ts";
import { openContentHashes } from "./content-hashes.ts";
import { identityOf } from "./sdxl-model.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "content-hashes-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("an encoder is known by its values, which are read once for all runs as long as its file is the same", async () => {
  const path = join(folder, "vae.safetensors");
  const written = async (values: readonly number[], seconds: number) => {
    await writeFile(path, Float32Array.from(values));
    await utimes(path, seconds, seconds);
  };
  const source = (offset: number) => ({ path, offset, length: 8, dtype: "F32", shape: [2] }) as const;
  const weights: Weights = new Map([
    ["encoder.conv_in.bias", source(0)],
    ["decoder.conv_in.bias", source(8)],
  ]);
  const hashes = () => openContentHashes(join(folder, "cache"));
  await written([1, 2, 3, 4], 1000);
  const first = await (await hashes()).ofEncoder(weights);
  expect(first).toBe(await identityOf(weights));
  await written([5, 6, 3, 4], 1000);
  expect(await (await hashes()).ofEncoder(weights)).toBe(first);
  // The hash of all weights is another thing, beside it in the same file.
  expect(await (await hashes()).ofWeights(weights)).not.toBe(first);
  await written([5, 6, 3, 4], 2000);
  expect(await (await hashes()).ofEncoder(weights)).not.toBe(first);
});
