/** @file What stays open from one call to the next, and what does not. */

import { cp, mkdir, mkdtemp, rm, symlink, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type GenerateInput, parseGenerateOptions } from "./generate-options.ts";
import { loadedPipeline } from "./loaded-pipeline.ts";

const model = join(import.meta.dirname, "../../test/fixtures/nano-bootstrap");
const load = (input: Partial<GenerateInput> = {}) => loadedPipeline(parseGenerateOptions({ model, ...input }));
const sizes = { texts: 1 };
afterAll(async () => (await load()).close());

test("another prediction type or zero SNR changes what the model is taken for, and opens nothing", async () => {
  const first = await load();
  expect(first.checkpoint.prediction).toMatchObject({ prediction: "v", zeroSnr: true, confidence: "certain" });
  const encoder = await first.shelf.take("textEncoder", sizes);
  const eps = await load({ prediction: "eps" });
  expect(eps.checkpoint.prediction).toMatchObject({ prediction: "eps", zeroSnr: false });
  const flawed = await load({ zeroSnr: "off" });
  expect(flawed.checkpoint.prediction).toMatchObject({ prediction: "v", zeroSnr: false });
  const again = await load();
  expect(again.checkpoint.prediction).toEqual(first.checkpoint.prediction);
  for (const other of [eps, flawed, again]) {
    expect(other.shelf).toBe(first.shelf);
    expect(other.checkpoint.weights).toBe(first.checkpoint.weights);
    expect(await other.shelf.take("textEncoder", sizes)).toBe(encoder);
  }
  // What decides which networks there are does open anew, and frees the old ones.
  const deeper = await load({ clipSkip: 1 });
  expect(deeper.shelf).not.toBe(first.shelf);
  expect(first.shelf.has("textEncoder")).toBe(false);
});

test("the colours of previews are found out once a model", async () => {
  const pipeline = await load();
  const colours = await pipeline.latentColours();
  expect(await (await load({ prediction: "eps" })).latentColours()).toBe(colours);
  // Rows: channels and the bias.
  expect(colours.map((row) => row.length)).toEqual(Array(pipeline.checkpoint.configs.vae!.latentChannels + 1).fill(3));
});

test("a model or a VAE whose files have changed is opened anew, and one that has not stays", async () => {
  const folder = await mkdtemp(join(tmpdir(), "illustrious-loaded-"));
  try {
    const [whole, vae] = [join(folder, "model"), join(folder, "vae")];
    await cp(model, whole, { recursive: true });
    await cp(join(model, "vae"), vae, { recursive: true });
    const own = { model: whole, vae };
    let before = await load(own);
    expect((await load(own)).shelf).toBe(before.shelf);
    const changed = [
      join(whole, "unet", "diffusion_pytorch_model.safetensors"),
      join(whole, "scheduler", "scheduler_config.json"),
      join(vae, "diffusion_pytorch_model.safetensors"),
    ];
    for (const [i, path] of changed.entries()) {
      await utimes(path, 1e9 + i, 1e9 + i);
      const after = await load(own);
      expect(after.shelf).not.toBe(before.shelf);
      before = after;
    }
    expect((await load(own)).shelf).toBe(before.shelf);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a relative path from another folder is another model's", async () => {
  const folder = await mkdtemp(join(tmpdir(), "illustrious-loaded-"));
  const here = process.cwd();
  try {
    const shelves = [];
    for (const name of ["a", "b"]) {
      await mkdir(join(folder, name));
      await symlink(model, join(folder, name, "mine"));
      process.chdir(join(folder, name));
      shelves.push((await load({ model: "mine" })).shelf);
    }
    expect(shelves[0]).not.toBe(shelves[1]);
  } finally {
    process.chdir(here);
    await rm(folder, { recursive: true });
  }
});
