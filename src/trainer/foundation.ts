/**
 * @file What a run stands on and does not change: frozen networks, the noise schedule, sizes and words. One that goes on must stand on the
 * same, wherever it lies.
 */

import { IllustriousError } from "../base/error.ts";
import type { LoraComponent } from "../models/sdxl/lora-targets.ts";
import { modelVocabulary } from "../models/sdxl/tokenizer.ts";
import type { SavedState } from "./checkpoints.ts";
import { type ContentHashes, hashOf } from "./content-hashes.ts";
import type { TrainedSchedule } from "./scheduler-config.ts";
import type { TrainingModel } from "./sdxl-model.ts";

type Standing = {
  readonly model: TrainingModel;
  readonly schedule: TrainedSchedule;
  /** Networks that learn as a whole: what they are lies in the checkpoint. */
  readonly whole: readonly LoraComponent[];
};

/** Sixteen digits of the weights, and sixteen of how they are read: sizes of the networks, and the tokenizer. */
export async function foundationOf({ model, schedule, whole }: Standing, hashes: ContentHashes): Promise<string> {
  const { unet, textEncoder, textEncoder2 } = model.weights;
  const frozen = Object.entries({ unet, textEncoder, textEncoder2 }).filter(
    ([component]) => !whole.includes(component as LoraComponent),
  );
  const parts: string[] = [await hashes.ofWeights(model.vae)];
  for (const [component, weights] of frozen) if (weights) parts.push(component, await hashes.ofWeights(weights));
  const { prediction, zeroSnr, shift, betas } = schedule;
  const weighed = hashOf(JSON.stringify([prediction, zeroSnr, shift, ...(betas ? [betas] : []), ...parts]));
  const read = hashOf(JSON.stringify([model.configs, await modelVocabulary(model)]));
  return `${weighed.slice(0, 16)}${SIZES}${read.slice(0, 16)}`;
}

const SIZES = "-";

/** Earlier checkpoints tell weights alone, by which another path is not known to have the same model. */
export const tellsModel = (foundation: string | undefined): boolean => Boolean(foundation?.includes(SIZES));

/** @throws IllustriousError `bad_option` where a checkpoint was learnt on something else */
export function checkFoundation(saved: Pick<SavedState, "step" | "foundation"> | undefined, now: string): void {
  // That of an earlier checkpoint is the beginning of what is told now.
  if (saved?.foundation === undefined || now.startsWith(saved.foundation)) return;
  throw new IllustriousError(
    "bad_option",
    `the checkpoint of step ${saved.step} was learnt on another model (${saved.foundation}, now ${now}): ` +
      "frozen weights, the autoencoder, sizes, the tokenizer or the noise schedule have changed since",
    "Put the model back that the run began with, or begin anew with --restart.",
  );
}
