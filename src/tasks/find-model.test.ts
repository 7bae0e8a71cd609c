/** @file Models by path and by name, in the order in which folders are searched, and what a shipped model brings along. */

import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { completeInput } from "./complete-input.ts";
import { findByName, findModel, type ShippedModel, shippedModels } from "./find-model.ts";

const [first] = shippedModels() as [ShippedModel];

let folder: string;
let env: { ILLUSTRIOUS_MODELS: string };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "find-"));
  env = { ILLUSTRIOUS_MODELS: `${join(folder, "a")}${delimiter}${join(folder, "b")}` };
  await mkdir(join(folder, "a/sdxl"), { recursive: true });
  await mkdir(join(folder, "b"));
  for (const path of ["a/sdxl/noob.safetensors", "b/noob.safetensors", "b/vae.safetensors", `b/${first.name}`])
    await writeFile(join(folder, path), "");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("by name: shipped models first, then folder after folder, one deeper too, with and without the extension", async () => {
  expect((await findModel(first.name, env)).path).toBe(first.path);
  for (const name of ["noob", "noob.safetensors"])
    expect(await findModel(name, env)).toEqual({ path: join(folder, "a/sdxl/noob.safetensors") });
  expect(await findModel("vae", env)).toEqual({ path: join(folder, "b/vae.safetensors") });
});

test("a path is taken as it stands, and a shipped model known by any path that leads to it", async () => {
  const path = join(folder, "b/noob.safetensors");
  expect(await findModel(path, {})).toEqual({ path });
  await symlink(first.path, join(folder, "link"), "dir");
  for (const way of [first.path, `${first.path}/`, join(folder, "link")])
    expect((await findModel(way, {})).shipped).toEqual(first);
});

test("a name from a picture is never a path", async () => {
  for (const name of ["../b/noob.safetensors", join(folder, "b/noob.safetensors"), "", "..", "."]) {
    expect(await findByName(name, env)).toBeUndefined();
  }
});

test("what is not found is said with the folders that were searched", async () => {
  await expect(findModel("nob", env)).rejects.toMatchObject({
    code: "missing_file",
    message: 'no model "nob" is found',
    hint:
      `Looked for nob and nob.safetensors in ${process.cwd()}, ${join(folder, "a")}, ${join(folder, "b")}, ` +
      `${join(process.cwd(), "models")} and in the folders directly inside all but the first. With the program comes ` +
      `${shippedModels()
        .map(({ name }) => name)
        .join(", ")}. Give the path, or put the folder into ILLUSTRIOUS_MODELS.`,
  });
  await expect(findModel("v.safetensors", env, "VAE")).rejects.toMatchObject({
    message: 'no VAE "v.safetensors" is found',
  });
  await expect(findModel("no/where.safetensors", env)).rejects.toMatchObject({
    code: "missing_file",
    message: "no/where.safetensors: no such file or folder",
  });
});

test("what suits a shipped model lies below what is given; a schedule in the sampler's name is given", async () => {
  const { name: model, path, preset } = first;
  expect(preset).toEqual({ sampler: "euler", schedule: "normal", steps: 28, cfg: 7.5 });
  expect(await completeInput({ model, prompt: "x" }, env)).toEqual({ ...preset, model: path, prompt: "x" });
  expect(await completeInput({ model, steps: 3, sampler: "ddim" }, env)).toMatchObject({
    sampler: "ddim",
    schedule: "normal",
    steps: 3,
    cfg: 7.5,
  });
  expect(await completeInput({ model, sampler: "DPM++ 2M Karras" }, env)).toMatchObject({ schedule: "karras" });
  expect(await completeInput({ model, sampler: "DPM++ 2M Karras", schedule: "beta" }, env)).toMatchObject({
    schedule: "beta",
  });
  const unset = JSON.parse("{}") as { steps: number };
  expect(await completeInput({ model, steps: unset.steps }, env)).toMatchObject({ steps: 28 });
});

test("another model brings nothing, and a VAE is found by name as well", async () => {
  expect(await completeInput({ model: "noob", vae: "vae" }, env)).toEqual({
    model: join(folder, "a/sdxl/noob.safetensors"),
    vae: join(folder, "b/vae.safetensors"),
  });
});
