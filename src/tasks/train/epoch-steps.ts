/** @file How many updates a run takes, where its recipe counts in epochs. */

import { batchesOf, captionFor, type DataSet, type Example, type Moment } from "../../data/sets/index.ts";
import { modelTokenizer } from "../../models/sdxl/tokenizer.ts";
import { captionChunks } from "../../trainer/caption-chunks.ts";
import type { Due } from "../../trainer/run.ts";
import type { TrainingModel } from "../../trainer/sdxl-model.ts";
import { DEFAULT_STEPS, type TrainingRecipe } from "../../training/recipe/index.ts";
import type { RecipeFile } from "./recipe-file.ts";

/** @param epoch batches of one, as `epochBatches` counts them */
export function stepsOf(recipe: TrainingRecipe, epoch: number): number {
  const { max_train_steps, max_train_epochs } = recipe.values;
  if (max_train_epochs === undefined) return max_train_steps ?? DEFAULT_STEPS;
  return Math.max(1, Math.ceil((epoch * max_train_epochs) / recipe.learning.accumulation));
}

/**
 * What is due every so many steps, or else every so many epochs: with the step in which one ends, of which an epoch may have no whole
 * number.
 */
export function dueOf(
  { steps, epochs }: { readonly steps: number | undefined; readonly epochs: number | undefined },
  epoch: number,
  accumulation: number,
): Due | undefined {
  const every = steps ?? ((epochs ?? 0) * epoch) / accumulation;
  // What is whole may not look so after the division.
  const ended = (updates: number) => Math.floor(updates / every + 1e-9);
  return every > 0 ? (step) => ended(step) > ended(step - 1) : undefined;
}

export type EpochOf = {
  readonly file: RecipeFile;
  readonly recipe: TrainingRecipe;
  readonly set: DataSet;
  /** Whose tokenizer counts. */
  readonly model: () => Promise<TrainingModel>;
};

/**
 * Batches of the first epoch, where a recipe counts in epochs; 0 where it does not. Texts of as many chunks go together, so it takes their
 * tokens; later epochs may have a few more or less.
 */
export async function epochBatches({ file, recipe, set, model }: EpochOf): Promise<number> {
  const { max_train_epochs, save_every_n_epochs, sample_every_n_epochs, seed = 0 } = recipe.values;
  if ([max_train_epochs, save_every_n_epochs, sample_every_n_epochs].every((one) => one === undefined)) return 0;
  const { train_vae, vae_crops: crops } = file.own;
  if (train_vae !== undefined) {
    // Crops come from pictures drawn at random: an epoch is as many of them as there are pictures.
    const shares = crops.reduce((sum, [, , share]) => sum + share, 0);
    const batch = crops.reduce((sum, [, count, share]) => sum + (count * share) / shares, 0);
    return Math.ceil(set.items.length / batch);
  }
  const captions = captionChunks(await modelTokenizer(await model()));
  const textClass = (example: Example, moment: Moment) => captions(captionFor(example, moment)).length;
  return batchesOf(set, { seed, epoch: 0, textClass }).length;
}
