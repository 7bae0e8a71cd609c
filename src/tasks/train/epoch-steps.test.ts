/** @file How long an epoch is. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scanned } from "../../data/sets/index.ts";
import { encodePng } from "../../formats/index.ts";
import { openCheckpoint } from "../../models/sdxl/checkpoint.ts";
import { modelOf } from "../../trainer/sdxl-model.ts";
import { readRecipe } from "../../training/recipe/index.ts";
import { epochBatches, stepsOf } from "./epoch-steps.ts";
import { DATA_KEY_NAMES, datasetOf } from "./recipe-data.ts";
import { type RecipeFile, readRecipeFile } from "./recipe-file.ts";

const nano = join(import.meta.dirname, "../../../test/fixtures/nano-bootstrap");
let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "recipe-file-"));
  await mkdir(join(root, "set"));
  const png = encodePng({ width: 64, height: 64, rgb: new Uint8Array(3 * 64 * 64) });
  for (let i = 0; i < 12; i++) {
    await writeFile(join(root, `set/${i}.png`), png);
    // Of one chunk of tokens, of two and of three.
    await writeFile(
      join(root, `set/${i}.txt`),
      Array(1 + 60 * (i % 3))
        .fill("girl, red")
        .join(", "),
    );
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function read(text: string): Promise<RecipeFile> {
  const path = join(root, "recipe.toml");
  await writeFile(path, text);
  return readRecipeFile({ recipe: path, set: {} } as Parameters<typeof readRecipeFile>[0]);
}

const LORA = "learning_rate = 1e-4\nnetwork_dim = 4\nnetwork_train_unet_only = true\n";
const SUBSET = '[[datasets.subsets]]\nimage_dir = "set"\n';

test("an epoch is as many batches as texts of so many chunks make", async () => {
  const text = `${LORA}max_train_epochs = 2\ntrain_batch_size = 6\n[general]\ncaption_extension = ".txt"\n[[datasets]]\nresolution = 64\n${SUBSET}`;
  const file = await read(text);
  const recipe = readRecipe(file.raw, { dataKeys: DATA_KEY_NAMES });
  const set = await scanned(await datasetOf(file));
  const model = async () => modelOf(await openCheckpoint(nano));
  // Four pictures of each length, though six would fit.
  const epoch = await epochBatches({ file, recipe, set, model });
  expect(epoch).toBe(3);
  expect(stepsOf(recipe, epoch)).toBe(6);
});

test("an autoencoder's epoch is as many crops as there are pictures", async () => {
  const text = `train_vae = "both"\nvae_crops = [[64, 4, 0.5], [32, 2, 0.5]]\nlearning_rate = 1e-3\nmax_train_epochs = 1\n[[datasets]]\nresolution = 64\n${SUBSET}`;
  const file = await read(text);
  const recipe = readRecipe(file.raw, { dataKeys: DATA_KEY_NAMES });
  const set = await scanned(await datasetOf(file));
  const model = () => expect.unreachable();
  expect(await epochBatches({ file, recipe, set, model })).toBe(4);
});
