/** @file What a run knows of itself, for the metadata of the LoRA that it writes. */

import { basename } from "node:path";
import type { DataSet } from "../../data/sets/index.ts";
import type { Checkpoint } from "../../models/sdxl/checkpoint.ts";
import { floating, type LoraSettings } from "../../models/sdxl/lora-metadata.ts";
import type { LoraRanks } from "../../models/sdxl/lora-targets.ts";
import { hasRelativeSteps, learnerOptionsOf, type TrainingRecipe } from "../../training/recipe/index.ts";
import { type Epochs, epochAt } from "./epochs.ts";
import type { RecipeFile } from "./recipe-file.ts";

export type LoraRun = {
  readonly file: RecipeFile;
  readonly recipe: TrainingRecipe;
  readonly base: Checkpoint;
  readonly ranks: LoraRanks;
  readonly set: DataSet;
  /** Updates of the whole run, and those until now. */
  readonly steps: number;
  readonly step: number;
  /** Where the recipe counts in them. */
  readonly epochs: Epochs | undefined;
  readonly startedAt: Date;
};

/** As sd-scripts counts: images with their repeats, whatever sizes they are learnt at. */
function imagesOf({ items }: DataSet, isReg: boolean): number {
  const images = new Set(items.map(({ image }) => image));
  return [...images].reduce((sum, { subset, repeats }) => sum + (subset.isReg === isReg ? repeats : 0), 0);
}

export function loraSettings(run: LoraRun): LoraSettings {
  const { file, recipe, base, ranks, set, step, startedAt } = run;
  const { objective, train, values } = recipe;
  const [{ resolution } = { resolution: undefined }] = set.config.datasets;
  const { metadata_title: title, metadata_author: author, metadata_description: description } = values;
  return {
    title: file.name,
    ranks,
    prediction: objective.prediction === "eps" ? "epsilon" : objective.prediction,
    ...(objective.prediction !== "flow" && { zeroTerminalSnr: objective.table.zeroSnr !== false }),
    ...(resolution && { resolution }),
    baseModel: basename(base.path),
    trained: { unet: train.includes("unet"), textEncoders: train.some((network) => network !== "unet") },
    ...ratesOf(recipe),
    steps: step,
    ...epochsAt(run),
    seed: values.seed ?? 0,
    startedAt,
    finishedAt: new Date(),
    comment: values.training_comment,
    spec: { title, author, description, license: values.metadata_license, tags: values.metadata_tags },
    minimal: values.no_metadata,
    more: moreOf(run),
  };
}

type RateSettings = Pick<LoraSettings, "learningRate" | "unetLearningRate" | "textEncoderLearningRate">;

function ratesOf({ learning, values }: TrainingRecipe): RateSettings {
  if (hasRelativeSteps(learning.optimiser)) return { learningRate: null };
  const { unet, textEncoder: one, textEncoder2: two } = learning.rates;
  return {
    ...(values.learning_rate !== undefined && { learningRate: values.learning_rate }),
    ...(unet !== undefined && { unetLearningRate: unet }),
    ...(one !== undefined && two !== undefined && { textEncoderLearningRate: one === two ? one : [one, two] }),
  };
}

function epochsAt({ recipe, steps, step, epochs }: LoraRun): Pick<LoraSettings, "epoch" | "epochs"> {
  if (!epochs) return {};
  const at = (update: number) => epochAt(epochs, recipe.learning.accumulation, update);
  return { epoch: at(step), epochs: at(steps) };
}

function moreOf({ recipe, set, steps }: LoraRun): LoraSettings["more"] & object {
  const { learning, values } = recipe;
  const { learning_rate: first } = values;
  const own = first === undefined ? "adafactor" : `adafactor:${floating(first)}`;
  const [{ warmupSteps } = { warmupSteps: undefined }] = Object.values(
    learnerOptionsOf(learning, recipe.train, steps).groups,
  );
  return {
    optimizer: learning.optimiser.kind,
    lr_scheduler: hasRelativeSteps(learning.optimiser) ? own : learning.schedule.kind,
    lr_warmup_steps: warmupSteps,
    min_snr_gamma: values.min_snr_gamma,
    clip_skip: values.clip_skip,
    loss_type: values.loss_type,
    noise_offset: floating(values.noise_offset || null),
    max_grad_norm: floating(values.max_grad_norm),
    num_train_images: imagesOf(set, false),
    num_reg_images: imagesOf(set, true),
    max_train_steps: steps,
    gradient_accumulation_steps: learning.accumulation,
  };
}
