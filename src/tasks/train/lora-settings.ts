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
    triggerPhrase: values.metadata_trigger_phrase,
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

type More = LoraSettings["more"] & object;
type Values = TrainingRecipe["values"];

const CLASSES = { adamw: "AdamW", adafactor: "Adafactor", lion: "Lion" } as const;

/** Its class with what the recipe gives it, lists in brackets, as Python writes a call. */
function optimiserCalled({ learning, values: { optimizer_args: given } }: TrainingRecipe): string {
  const args = given.map((text) =>
    text
      .trim()
      .replace(/\s*=\s*/, "=")
      .replace(/=([^([].*,.*)$/, "=($1)"),
  );
  return `${CLASSES[learning.optimiser.kind]}${args.length > 0 ? `(${args.join(",")})` : ""}`;
}

/** kohya's debiased weighting is one of several, and the flag is its. */
function lossOf({ loss_type, huber_schedule, huber_c, huber_scale, ...values }: Values): More {
  const huber = loss_type === "huber" || loss_type === "smooth_l1";
  const { debiased_estimation_loss: debiased, debiased_form } = values;
  return {
    loss_type,
    ...(huber && { huber_schedule, huber_c: floating(huber_c) }),
    ...(huber && huber_schedule !== "snr" && { huber_scale: floating(huber_scale) }),
    ...((!debiased || debiased_form === "kohya") && { debiased_estimation: debiased }),
  };
}

function noiseOf(values: Values): More {
  const { noise_offset: offset, multires_noise_iterations: pyramid, ip_noise_gamma: perturbation } = values;
  return {
    noise_offset: floating(offset || null),
    ...(offset && { noise_offset_random_strength: values.noise_offset_random_strength }),
    adaptive_noise_scale: floating(values.adaptive_noise_scale || null),
    multires_noise_iterations: pyramid || null,
    ...(pyramid && { multires_noise_discount: floating(values.multires_noise_discount) }),
    ip_noise_gamma: floating(perturbation || null),
    ...(perturbation && { ip_noise_gamma_random_strength: values.ip_noise_gamma_random_strength }),
  };
}

/** One number for all of a run's data sets, where they have one. */
function captionsOf({ config: { datasets } }: DataSet): More {
  const subsets = datasets.flatMap((dataset) => dataset.subsets);
  const common = <T>(given: readonly T[]): T | undefined => (new Set(given).size === 1 ? given[0] : undefined);
  return {
    caption_dropout_rate: floating(common(subsets.map((one) => one.captionDropoutRate))),
    caption_dropout_every_n_epochs: common(subsets.map((one) => one.captionDropoutEveryNEpochs)),
    caption_tag_dropout_rate: floating(common(subsets.map((one) => one.captionTagDropoutRate))),
    prior_loss_weight: floating(common(datasets.map((one) => one.priorLossWeight))),
  };
}

function moreOf({ recipe, set, steps }: LoraRun): More {
  const { learning, values } = recipe;
  const { learning_rate: first } = values;
  const own = first === undefined ? "adafactor" : `adafactor:${floating(first)}`;
  const [{ warmupSteps } = { warmupSteps: undefined }] = Object.values(
    learnerOptionsOf(learning, recipe.train, steps).groups,
  );
  return {
    optimizer: optimiserCalled(recipe),
    lr_scheduler: hasRelativeSteps(learning.optimiser) ? own : learning.schedule.kind,
    lr_warmup_steps: warmupSteps,
    min_snr_gamma: floating(values.min_snr_gamma || null),
    clip_skip: values.clip_skip,
    ...lossOf(values),
    ...noiseOf(values),
    ...captionsOf(set),
    max_grad_norm: floating(values.max_grad_norm),
    num_train_images: imagesOf(set, false),
    num_reg_images: imagesOf(set, true),
    max_train_steps: steps,
    gradient_accumulation_steps: learning.accumulation,
  };
}
