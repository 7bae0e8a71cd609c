/** @file What networks begin with, and what is refused before it costs hours. */

import { cp, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openCheckpoint } from "../models/sdxl/checkpoint.ts";
import { randomState } from "../training/random.ts";
import { checkWeights, modelOf, startingValues } from "./sdxl-model.ts";

const tiny = join(import.meta.dirname, "../../test/fixtures/tiny-sdxl");
const NAME = "text_model.final_layer_norm.weight";
const folder = await mkdtemp(join(tmpdir(), "sdxl-model-"));
afterAll(() => rm(folder, { recursive: true }));

test("a network is new if all of it is drawn: not out of a checkpoint, and not where a run goes on", async () => {
  const model = modelOf(await openCheckpoint(tiny));
  const empty = { ...model, weights: {} };
  const starting = (from: typeof model | typeof empty, saved?: Parameters<typeof startingValues>[3]) =>
    startingValues(from, "unet", randomState(3), saved);
  expect((await starting(model)).isNew).toBe(false);
  const drawn = await starting(empty);
  expect(drawn.isNew).toBe(true);
  const name = "conv_in.bias";
  const learnt = drawn.values.get(name)!.values.map((_, i) => i);
  // A layer that no step reads is not saved; it is drawn as it was.
  const saved = { tensors: new Map([[`parameter/unet.${name}`, learnt]]), numbers: {} };
  const resumed = await starting(empty, saved);
  expect(resumed.isNew).toBe(false);
  expect(resumed.values.get(name)!.values).toEqual(learnt);
  expect(resumed.values.get("conv_in.weight")).toEqual(drawn.values.get("conv_in.weight"));
});

test("a damaged weight is refused by its name", async () => {
  const path = join(folder, "damaged");
  await cp(tiny, path, { recursive: true });
  const { offset, path: file, dtype } = (await openCheckpoint(path)).weights.textEncoder.get(NAME)!;
  const handle = await open(file, "r+");
  // All bits set is a NaN in every type.
  await handle.write(new Uint8Array(dtype === "F32" ? 4 : 2).fill(255), 0, undefined, offset);
  await handle.close();
  await checkWeights(modelOf(await openCheckpoint(tiny)));
  await expect(checkWeights(modelOf(await openCheckpoint(path)))).rejects.toMatchObject({
    code: "bad_file",
    message: `text_encoder.${NAME} has the value NaN`,
  });
});
