/** @file A plot is of what a run would train: the checkpoint's kind where the recipe is silent, and each size where sizes shift draws. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { plotRecipes } from "./plot-recipes.ts";

const models = join(import.meta.dirname, "../../../models");
let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "plot-recipes-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function plotted(text: string) {
  const path = join(root, "mine.toml");
  await writeFile(path, `learning_rate = 1e-4\nnetwork_dim = 4\n${text}`);
  const { findings, figure } = await plotRecipes([path]);
  const json = JSON.parse(new TextDecoder().decode(await figure.file(".json"))) as { name: string }[];
  return { messages: findings.map(({ message }) => message), plans: json.map(({ name: _, ...plan }) => plan), json };
}

const model = (name: string) => `pretrained_model_name_or_path = "${join(models, name)}"\n`;

test("a silent recipe is plotted as what its checkpoint is, which nothing but the recipe's own words overrules", async () => {
  const silent = await plotted(`${model("nano-v3.5-vpred")}min_snr_gamma = 5\n`);
  const told = await plotted("min_snr_gamma = 5\nv_parameterization = true\nzero_terminal_snr = true\n");
  const eps = await plotted(`${model("nano-v3.0-eps")}min_snr_gamma = 5\n`);
  expect(silent.plans).toEqual(told.plans);
  expect(silent.plans).not.toEqual(eps.plans);
  // A loss that a checkpoint's own kind starves of its colours is told here, and not first by the run.
  expect(silent.messages).toEqual([expect.stringMatching(/^mine\.toml: 1\.65 % of the loss lies on SNR below 0\.05/)]);
  expect(eps.messages).toEqual([]);
});

test("a checkpoint that is not there is told, and the recipe plotted all the same", async () => {
  const { messages, plans } = await plotted(model("nowhere"));
  expect(messages[0]).toMatch(/plotted without its checkpoint.*nowhere/);
  expect(plans).toHaveLength(1);
});

test("draws that sizes shift are plotted for each size, against the model's own", async () => {
  const sizes = '[[datasets]]\nresolutions = [64, 128, 256]\n[[datasets.subsets]]\nimage_dir = "x"\n';
  const from = model("nano-v3.5-vpred");
  const { json, plans } = await plotted(`${from}timestep_shift = "size"\n${sizes}`);
  expect(json.map(({ name }) => name)).toEqual(["mine, 64 x 64", "mine, 128 x 128", "mine, 256 x 256"]);
  const fixed = async (shift: number) => (await plotted(`${from}timestep_shift = ${shift}\n`)).plans[0];
  expect(plans).toEqual([await fixed(0.5), await fixed(1), await fixed(2)]);
});

test("what a run would refuse is called so, and an autoencoder's recipe has nothing to plot", async () => {
  const { messages } = await plotted(`${model("nano-v3.0-eps")}zero_terminal_snr = true\n`);
  expect(messages.join("\n")).toContain("training would refuse this: eps prediction with zero terminal SNR");
  await expect(plotted('train_vae = "both"\n')).rejects.toThrow("an autoencoder, which has no noise levels");
});
