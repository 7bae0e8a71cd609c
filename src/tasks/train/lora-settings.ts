/** @file What a run knows of itself, for the metadata of the LoRA that it writes. */

import { basename } from "node:path";
import type { DataSet } from "../../data/sets/index.ts";
import type { Checkpoint } from "../../models/sdxl/checkpoint.ts";
import type { LoraSettings } from "../../models/sdxl/lora-metadata.ts";
import type { LoraRanks } from "../../models/sdxl/lora-targets.ts";
import type { TrainingRecipe } from "../../training/recipe/index.ts";
import type { RecipeFile } from "./recipe-file.ts";

export type LoraRun = {
  readonly file: RecipeFile;
  readonly recipe: TrainingRecipe;
  readonly base: Checkpoint;
  readonly ranks: LoraRanks;
  readonly set: DataSet;
  readonly step: number;
  readonly startedAt: Date;
};

/** As sd-scripts counts: images of subjects with their repeats, whatever sizes they are learnt at. */
function trainImages({ items }: DataSet): number {
  const images = new Set(items.map(({ image }) => image));
  return [...images].reduce((sum, { subset, repeats }) => sum + (subset.isReg ? 0 : repeats), 0);
}

export function loraSettings({ file, recipe, base, ranks, set, step, startedAt }: LoraRun): LoraSettings {
  const { objective, learning, train, values } = recipe;
  const { rates } = learning;
  const { textEncoder: one, textEncoder2: two } = rates;
  const [{ resolution } = { resolution: undefined }] = set.config.datasets;
  return {
    title: file.name,
    ranks,
    prediction: objective.prediction === "eps" ? "epsilon" : objective.prediction,
    ...(objective.prediction !== "flow" && { zeroTerminalSnr: objective.table.zeroSnr !== false }),
    ...(resolution && { resolution: Math.round(Math.sqrt(resolution.width * resolution.height)) }),
    baseModel: basename(base.path),
    trained: { unet: train.includes("unet"), textEncoders: train.some((network) => network !== "unet") },
    ...(values.learning_rate !== undefined && { learningRate: values.learning_rate }),
    ...(rates.unet !== undefined && { unetLearningRate: rates.unet }),
    ...(one !== undefined && two !== undefined && { textEncoderLearningRate: one === two ? one : [one, two] }),
    steps: step,
    ...(values.seed !== undefined && { seed: values.seed }),
    startedAt,
    finishedAt: new Date(),
    more: {
      optimizer: learning.optimiser.kind,
      lr_scheduler: learning.schedule.kind,
      min_snr_gamma: values.min_snr_gamma,
      clip_skip: values.clip_skip,
      num_train_images: trainImages(set),
      max_train_steps: values.max_train_steps,
      gradient_accumulation_steps: learning.accumulation,
    },
  };
}
