/** @file What a recipe begins with: a checkpoint, and what that says of itself, or the sizes of a new model. */

import { z } from "zod";
import { IllustriousError } from "../../base/error.ts";
import { type Checkpoint, openCheckpoint } from "../../models/sdxl/checkpoint.ts";
import { levelsOfBetas, levelsToFollow, trainedLevels } from "../../pipeline/noise-model.ts";
import { discreteTable } from "../../sampling/index.ts";
import { modelOf, newModel, type TrainingModel } from "../../trainer/sdxl-model.ts";
import { type RecipeLevels, readRecipe, type TrainedModel, type TrainingRecipe } from "../../training/recipe/index.ts";
import { findModel } from "../find-model.ts";
import { DATA_KEY_NAMES } from "./recipe-data.ts";
import { modelConfigOf, placeOf, type RecipeFile, readJson } from "./recipe-file.ts";

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

/** What it says of itself, for a recipe that is silent; its levels must be known unless the recipe has its own. */
function trainedModel({ prediction: found }: Checkpoint, own: RecipeLevels | undefined): TrainedModel {
  const { prediction, zeroSnr } = found;
  if (prediction === "edm_v") {
    throw new IllustriousError("unsupported", "training of an EDM v-model", "Train eps, v or flow.");
  }
  return {
    prediction,
    zeroSnr: zeroSnr && "exact",
    ...(own ? trainedLevels(found) : levelsToFollow(found)),
  };
}

const betaList = z.array(z.number());

const betaFile = z.union([
  betaList.transform((trained_betas) => ({ trained_betas, rescale_betas_zero_snr: false })),
  z.object({ trained_betas: betaList, rescale_betas_zero_snr: z.boolean().nullish() }),
]);

/** Noise levels from a file that the recipe names: a list of betas, or a scheduler's settings that have one. */
async function ownLevels(file: RecipeFile): Promise<RecipeLevels | undefined> {
  const { trained_betas: named } = file.own;
  if (named === undefined) return undefined;
  const hint = "Name a JSON file that is a list of betas, or has one as trained_betas.";
  const json = await readJson(placeOf(file, named), hint);
  const said = betaFile.safeParse(json);
  const problem = (what: string, way: string) =>
    new IllustriousError("bad_file", `trained_betas = "${named}" ${what}`, way);
  if (!said.success) throw problem("holds no list of numbers", hint);
  const { trained_betas: betas, rescale_betas_zero_snr: rescaled } = said.data;
  try {
    const { zeroSnr } = discreteTable({ betas, zeroSnr: rescaled ? "exact" : false });
    return { zeroSnr, ...levelsOfBetas(betas, zeroSnr !== false) };
  } catch (error) {
    if (!(error instanceof IllustriousError)) throw error;
    throw problem(`cannot be trained on: ${error.message}`, error.hint ?? hint);
  }
}

/** The recipe, understood beside what it begins with. */
export async function recipeOf(file: RecipeFile, base: Checkpoint | undefined): Promise<TrainingRecipe> {
  const levels = await ownLevels(file);
  const model = base ? trainedModel(base, levels) : {};
  const recipe = readRecipe(file.raw, { model, ...(levels && { levels }), dataKeys: DATA_KEY_NAMES });
  if (levels && recipe.network) {
    const hint = "Put the list into the model's scheduler/scheduler_config.json: a LoRA of it is trained on that.";
    throw new IllustriousError("bad_option", "trained_betas for a LoRA, whose file cannot say them", hint);
  }
  if (levels && recipe.objective.prediction === "flow") {
    const hint = "Leave trained_betas out: a flow has its own levels, which schedule_shift moves.";
    throw new IllustriousError("bad_option", 'trained_betas with prediction = "flow", which has no betas', hint);
  }
  return recipe;
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
