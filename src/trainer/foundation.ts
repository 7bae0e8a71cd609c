/** @file What a run stands on and does not change: frozen networks and the noise schedule. One that goes on must stand on the same. */

import { IllustriousError } from "../base/error.ts";
import type { LoraComponent } from "../models/sdxl/lora-targets.ts";
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

/** Sixteen digits, the same for the same weights wherever they lie. */
export async function foundationOf({ model, schedule, whole }: Standing, hashes: ContentHashes): Promise<string> {
  const { unet, textEncoder, textEncoder2 } = model.weights;
  const frozen = Object.entries({ unet, textEncoder, textEncoder2 }).filter(
    ([component]) => !whole.includes(component as LoraComponent),
  );
  const parts: string[] = [await hashes.ofWeights(model.vae)];
  for (const [component, weights] of frozen) if (weights) parts.push(component, await hashes.ofWeights(weights));
  return hashOf(JSON.stringify([schedule.prediction, schedule.zeroSnr, schedule.shift, ...parts])).slice(0, 16);
}

/** @throws IllustriousError `bad_option` where a checkpoint was learnt on something else */
export function checkFoundation(saved: Pick<SavedState, "step" | "foundation"> | undefined, now: string): void {
  if (saved?.foundation === undefined || saved.foundation === now) return;
  throw new IllustriousError(
    "bad_option",
    `the checkpoint of step ${saved.step} was learnt on another model (${saved.foundation}, now ${now}): ` +
      "frozen weights, the autoencoder or the noise schedule have changed since",
    "Put the model back that the run began with, or begin anew with --restart.",
  );
}
