/** @file What a recipe begins with: a checkpoint, and what that says of itself, or the sizes of a new model. */

import { IllustriousError } from "../../base/error.ts";
import { type Checkpoint, openCheckpoint } from "../../models/sdxl/checkpoint.ts";
import type { TrainedSchedule } from "../../models/sdxl/prediction.ts";
import { shiftOf } from "../../pipeline/noise-model.ts";
import { modelOf, newModel, type TrainingModel } from "../../trainer/sdxl-model.ts";
import type { TrainedModel, TrainingRecipe } from "../../training/recipe/index.ts";
import { findModel } from "../find-model.ts";
import { modelConfigOf, placeOf, type RecipeFile } from "./recipe-file.ts";

/** The checkpoint that training begins with; none for a new model or for an autoencoder. */
export async function baseOf(file: RecipeFile): Promise<Checkpoint | undefined> {
  const { pretrained_model_name_or_path: named, vae } = file.keys;
  if (file.own.train_vae !== undefined || file.own.model_config !== undefined) return undefined;
  if (typeof named !== "string") {
    const hint = "Set pretrained_model_name_or_path to a checkpoint, or model_config to the sizes of a new model.";
    throw new IllustriousError("bad_option", `the recipe ${file.name} names no model`, hint);
  }
  const { path } = await findModel(placeOf(file, named)).catch(() => findModel(named));
  return openCheckpoint(path, typeof vae === "string" ? { vae: placeOf(file, vae) } : {});
}

/** What it says of itself, for a recipe that is silent. */
export function trainedModel({ prediction: found }: Checkpoint): TrainedModel {
  const { prediction, zeroSnr, schedule } = found;
  if (prediction === "edm_v") {
    throw new IllustriousError("unsupported", "training of an EDM v-model", "Train eps, v or flow.");
  }
  return {
    prediction,
    zeroSnr: zeroSnr && "exact",
    ...(schedule && { shift: trainedShift(prediction, schedule, zeroSnr) }),
  };
}

/** What a recipe trains is SDXL's levels or a multiple of them; others would be left without a word. */
function trainedShift(prediction: string, schedule: TrainedSchedule, zeroSnr: boolean): number {
  const shift = prediction === "flow" ? (schedule.shift ?? 1) : shiftOf(schedule, zeroSnr);
  if (shift !== undefined) return shift;
  throw new IllustriousError(
    "unsupported",
    "training on trained_betas of a scheduler_config.json that are neither SDXL's schedule nor a multiple of it",
    "Remove the field from the checkpoint if it is wrong.",
  );
}

/** What learns: the checkpoint, or a new model of the sizes that the recipe names. */
export async function modelToTrain(
  file: RecipeFile,
  base: Checkpoint | undefined,
  recipe: TrainingRecipe,
): Promise<TrainingModel> {
  if (base) return modelOf(base);
  const { vae } = recipe.values;
  if (vae === undefined) {
    const hint = "Set vae to an autoencoder: a new model learns on its latents.";
    throw new IllustriousError("bad_option", `the recipe ${file.name} makes a new model and names no vae`, hint);
  }
  return newModel(await modelConfigOf(file, file.own.model_config!), placeOf(file, vae));
}
