/** @file A recipe as a file and as an object: the same, and told in the same words. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { datasetOf } from "./recipe-data.ts";
import { readRecipeFile } from "./recipe-file.ts";
import { parseTrainOptions, type TrainInput, type TrainRecipe } from "./train-options.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "recipe-file-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const read = (input: TrainInput) => readRecipeFile(parseTrainOptions(input));

const RECIPE: TrainRecipe = {
  pretrained_model_name_or_path: 'C:\\models\\"one"',
  output_name: "mine",
  learning_rate: 1e-4,
  optimizer_args: ["weight_decay=0.1"],
  network_dim: undefined,
  caption_extension: ".txt",
  general: { flip_aug: true },
  datasets: [{ resolution: 128, subsets: [{ image_dir: "pictures", num_repeats: 3 }, { image_dir: "more" }] }],
};

const TEXT = `
pretrained_model_name_or_path = 'C:\\models\\"one"'
output_name = "mine"
learning_rate = 1e-4
optimizer_args = ["weight_decay=0.1"]
caption_extension = ".txt"
[general]
flip_aug = true
[[datasets]]
resolution = 128
[[datasets.subsets]]
image_dir = "pictures"
num_repeats = 3
[[datasets.subsets]]
image_dir = "more"
`;

test("an object is the recipe that a file with its keys is, on data of the folder that is named", async () => {
  await writeFile(join(folder, "recipe.toml"), TEXT);
  const { text: _, ...fromFile } = await read({ recipe: join(folder, "recipe.toml") });
  const { text, ...fromObject } = await read({ recipe: RECIPE, folder });
  expect(fromObject).toEqual(fromFile);
  expect((await datasetOf({ ...fromObject, text })).datasets).toEqual(
    (await datasetOf({ ...fromFile, text: TEXT })).datasets,
  );
  expect((await read({ recipe: RECIPE })).root).toBe(process.cwd());
  const { output_name, ...unnamed } = RECIPE;
  expect((await read({ recipe: unnamed })).name).toBe("model");
});

test("what is set stands in place of an object's keys, and undefined sets nothing", async () => {
  const { keys } = await read({ recipe: RECIPE, set: { learning_rate: 2e-4, output_name: undefined, seed: 3 } });
  expect(keys).toMatchObject({ learning_rate: 2e-4, output_name: "mine", seed: 3 });
});

test.each<[what: string, recipe: unknown, message: RegExp]>([
  ["a function", { seed: () => 1 }, /^the recipe: .*function/],
  ["a hole in a list", { optimizer_args: [undefined] }, /^the recipe: arrays cannot contain/],
  ["an own key's wrong value", { segments: "maybe" }, /^the recipe: segments: /],
  ["a number for a recipe", 5, /^recipe: expected a file's path, or an object of keys/],
])("%s is refused", async (_, recipe, message) => {
  const attempt = (async () => read({ recipe: recipe as TrainRecipe }))();
  await expect(attempt).rejects.toMatchObject({ code: "bad_option", message: expect.stringMatching(message) });
});

test("keys and values of an object are checked by the compiler", () => {
  const right: TrainRecipe = { network_module: "networks.lora", network_dim: 4, datasets: [] };
  // @ts-expect-error: no such key
  const unknown: TrainRecipe = { learnin_rate: 1 };
  // @ts-expect-error: a rate is a number
  const fast: TrainRecipe = { learning_rate: "fast" };
  expect([right, unknown, fast]).toHaveLength(3);
});
