/** @file How many updates a run takes, where its recipe counts in epochs. */

import { batchesOf, captionFor, type DataSet, type Example, fewTexts, type Moment } from "../../data/sets/index.ts";
import { modelTokenizer } from "../../models/sdxl/tokenizer.ts";
import { captionChunks } from "../../trainer/caption-chunks.ts";
import type { TrainingModel } from "../../trainer/sdxl-model.ts";
import { DEFAULT_STEPS, type TrainingRecipe } from "../../training/recipe/index.ts";
import { type Epochs, epochsOf } from "./epochs.ts";
import type { RecipeFile } from "./recipe-file.ts";

/** @param epochs as `epochsIn` counts them, where the recipe counts in them */
export function stepsOf(recipe: TrainingRecipe, epochs: Epochs | undefined): number {
  const { max_train_steps, max_train_epochs } = recipe.values;
  if (max_train_epochs === undefined || !epochs) return max_train_steps ?? DEFAULT_STEPS;
  return Math.ceil(epochs.until(max_train_epochs) / recipe.learning.accumulation);
}

export type EpochOf = {
  readonly file: RecipeFile;
  readonly recipe: TrainingRecipe;
  readonly set: DataSet;
  /** Whose tokenizer counts. */
  readonly model: () => Promise<TrainingModel>;
};

/** Texts that are taken apart to count epochs where they vary, at one to four milliseconds each: more would be waited for. */
const COUNTED = 5000;

/** What a text costs that comes again, beside one that is drawn anew. */
const KNOWN = 0.01;

export function countsInEpochs({ values }: TrainingRecipe): boolean {
  const { max_train_epochs, save_every_n_epochs, sample_every_n_epochs } = values;
  return [max_train_epochs, save_every_n_epochs, sample_every_n_epochs].some((one) => one !== undefined);
}

/** The epochs of a run, to be asked for where its recipe counts in them. Texts of as many chunks go together, so it takes their tokens. */
export async function epochsIn({ file, recipe, set, model }: EpochOf): Promise<Epochs> {
  const { seed = 0 } = recipe.values;
  const { train_vae, vae_crops: crops } = file.own;
  if (train_vae !== undefined) {
    // Crops come from pictures drawn at random: an epoch is as many of them as there are pictures.
    const shares = crops.reduce((sum, [, , share]) => sum + share, 0);
    const batch = crops.reduce((sum, [, count, share]) => sum + (count * share) / shares, 0);
    return epochsOf(1, () => Math.ceil(set.items.length / batch));
  }
  const chunksOf = captionChunks(await modelTokenizer(await model()));
  const textClass = (example: Example, moment: Moment) => chunksOf(captionFor(example, moment)).length;
  const counted = countedOf(set, (text) => chunksOf(text).length);
  return epochsOf(counted, (epoch) => batchesOf(set, { seed, epoch, textClass }).length);
}

/** Of how many epochs batches are counted: one where all have the same, for neither sizes nor numbers of chunks are drawn. */
function countedOf({ items, config }: DataSet, chunksOf: (text: string) => number): number {
  let cost = 0;
  let varies = false;
  for (const [i, { image, dataset }] of items.entries()) {
    const texts = fewTexts(image.caption, image.subset);
    cost += image.repeats * (texts ? KNOWN : 1);
    varies ||= config.datasets[dataset]!.resolutionChoice === "one" && items[i + 1]?.image === image;
    varies ||= texts === undefined || new Set(texts.map(chunksOf)).size > 1;
  }
  return varies ? Math.max(1, Math.floor(COUNTED / cost)) : 1;
}
