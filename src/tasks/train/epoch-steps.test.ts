/** @file How long an epoch is. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { batchesOf, captionFor, type Example, type Moment, scanned } from "../../data/sets/index.ts";
import { encodePng } from "../../formats/index.ts";
import { openCheckpoint } from "../../models/sdxl/checkpoint.ts";
import { modelTokenizer } from "../../models/sdxl/tokenizer.ts";
import { captionChunks } from "../../trainer/caption-chunks.ts";
import { modelOf } from "../../trainer/sdxl-model.ts";
import { readRecipe } from "../../training/recipe/index.ts";
import { epochsIn, stepsOf } from "./epoch-steps.ts";
import { dueOf, type Epochs, epochAt, epochsOf } from "./epochs.ts";
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

/** Twenty epochs of the set. */
async function epochsWith(batch: number, more = "") {
  const text = `${LORA}max_train_epochs = 20\ntrain_batch_size = ${batch}\n[general]\ncaption_extension = ".txt"\n${more}\n[[datasets]]\nresolution = 64\n${SUBSET}`;
  const file = await read(text);
  const recipe = readRecipe(file.raw, { dataKeys: DATA_KEY_NAMES });
  const set = await scanned(await datasetOf(file));
  const model = async () => modelOf(await openCheckpoint(nano));
  const epochs = await epochsIn({ file, recipe, set, model });
  const chunksOf = captionChunks(await modelTokenizer(await model()));
  const textClass = (example: Example, moment: Moment) => chunksOf(captionFor(example, moment)).length;
  return { epochs, steps: stepsOf(recipe, epochs), set, textClass };
}

test("an epoch is as many batches as texts of so many chunks make", async () => {
  const { epochs, steps } = await epochsWith(6);
  // Four pictures of each length, though six would fit.
  expect(epochs.until(1)).toBe(3);
  expect(steps).toBe(3 * 20);
});

test("a run of epochs ends with the last of their own batches, however many each has", async () => {
  const { epochs, steps, set, textClass } = await epochsWith(3, "caption_dropout_rate = 0.5");
  const real = Array.from({ length: 20 }, (_, epoch) => batchesOf(set, { seed: 0, epoch, textClass }).length);
  expect(new Set(real).size).toBeGreaterThan(1);
  const ends = real.map((_, i) => real.slice(0, i + 1).reduce((sum, count) => sum + count));
  expect(steps).toBe(ends.at(-1));
  expect(ends.map((_, i) => epochs.until(i + 1))).toEqual(ends);
  const due = dueOf({ steps: undefined, epochs: 5 }, epochs, 1)!;
  expect(upTo(steps).filter(due)).toEqual([ends[4], ends[9], ends[14], ends[19]]);
});

const upTo = (steps: number) => Array.from({ length: steps }, (_, i) => i + 1);

test("what falls on epochs' ends comes with the update that has their last batch, which is that epoch's", () => {
  const due = (epochs: Epochs, accumulation: number, steps: number) =>
    upTo(steps).filter(dueOf({ steps: undefined, epochs: 1 }, epochs, accumulation)!);
  const ten = epochsOf(1, () => 10);
  expect(due(ten, 3, 20)).toEqual([4, 7, 10, 14, 17, 20]);
  // Shorter than an update.
  const short = epochsOf(1, () => 1);
  expect(due(short, 2, 3)).toEqual([1, 2, 3]);
  expect(upTo(3).map((step) => epochAt(short, 2, step))).toEqual([2, 4, 6]);
  const seventeen = epochsOf(1, () => 17);
  expect([1, 8, 9, 10, 17, 18].map((step) => epochAt(seventeen, 2, step))).toEqual([1, 1, 1, 2, 2, 3]);
});

test("epochs beyond those that are counted are as long as these, and no more are counted", () => {
  const asked: number[] = [];
  const epochs = epochsOf(3, (epoch) => {
    asked.push(epoch);
    return 4 + epoch;
  });
  expect([1, 2, 3, 4, 6].map((count) => epochs.until(count))).toEqual([4, 9, 15, 20, 30]);
  expect([3, 4, 8, 14, 15, 19, 20, 29, 30].map((batches) => epochs.ended(batches))).toEqual([
    0, 1, 1, 2, 3, 3, 4, 5, 6,
  ]);
  expect(asked).toEqual([0, 1, 2]);
});

test("an autoencoder's epoch is as many crops as there are pictures", async () => {
  const text = `train_vae = "both"\nvae_crops = [[64, 4, 0.5], [32, 2, 0.5]]\nlearning_rate = 1e-3\nmax_train_epochs = 1\n[[datasets]]\nresolution = 64\n${SUBSET}`;
  const file = await read(text);
  const recipe = readRecipe(file.raw, { dataKeys: DATA_KEY_NAMES });
  const set = await scanned(await datasetOf(file));
  const model = () => expect.unreachable();
  expect((await epochsIn({ file, recipe, set, model })).until(1)).toBe(4);
});
