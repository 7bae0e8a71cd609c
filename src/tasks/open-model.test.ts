/** @file Models by name, opened and looked at as those by path. */

import { basename } from "node:path";
import { expect, test } from "vitest";
import { shippedModels } from "./find-model.ts";
import { inspectModel, openCheckpoint } from "./open-model.ts";

const { name, path } = shippedModels()[0]!;

test("a name stands for the model's path, of a VAE as well", async () => {
  expect(await inspectModel(name)).toEqual(await inspectModel(path));
  const [named, opened] = [await openCheckpoint(name, { vae: "nano-vae" }), await openCheckpoint(path)];
  expect(named).toMatchObject({ kind: opened.kind, prediction: opened.prediction });
  expect(basename(named.path)).toBe(name);
});

test("a name that is none is told with those that are", async () => {
  const missing = { code: "missing_file", hint: expect.stringContaining(name) };
  await expect(openCheckpoint("nano-v9")).rejects.toMatchObject(missing);
  await expect(inspectModel("nano-v9")).rejects.toMatchObject(missing);
  await expect(openCheckpoint(name, { vae: "no-such" })).rejects.toMatchObject({
    message: 'no VAE "no-such" is found',
  });
});
