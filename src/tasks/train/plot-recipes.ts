/**
 * @file What recipes ask of each noise level, drawn, before anything is trained. Needs no pictures, and of a checkpoint its headers: a recipe that
 * is silent trains what that is.
 */

import { basename } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import type { Checkpoint } from "../../models/sdxl/checkpoint.ts";
import { usualSide } from "../../models/sdxl/config.ts";
import type { Finding } from "../../sampling/finding.ts";
import { type NamedPlan, namedPlan, planCsv, planJson, planPng, planSvg, planText } from "../../trainer/plot/index.ts";
import type { TrainingRecipe } from "../../training/recipe/index.ts";
import { shiftForSize } from "../../training/timesteps/shift.ts";
import { baseOf, recipeOf } from "./recipe-base.ts";
import { datasetOf } from "./recipe-data.ts";
import { type RecipeFile, readRecipeFile } from "./recipe-file.ts";
import { parseTrainOptions, type TrainInput } from "./train-options.ts";

export type RecipeFigure = {
  /** For a terminal of so many columns. */
  text(columns: number): string;
  /** @param ending .png, .svg, .json or .csv */
  file(ending: string): Promise<Uint8Array>;
};

/**
 * @throws IllustriousError for recipes that cannot be read, and for those of an autoencoder; refusals of the recipes themselves are among the
 * findings, and so is a checkpoint that is not there
 */
export async function plotRecipes(
  recipes: readonly string[],
  set: NonNullable<TrainInput["set"]> = {},
): Promise<{ findings: readonly Finding[]; figure: RecipeFigure }> {
  const findings: Finding[] = [];
  const plans: NamedPlan[] = [];
  for (const recipe of recipes) {
    const file = await readRecipeFile(parseTrainOptions({ recipe, set }));
    if (file.own.train_vae !== undefined) {
      const hint = "Plot a recipe that trains on noise.";
      throw new IllustriousError("bad_option", `${recipe} trains an autoencoder, which has no noise levels`, hint);
    }
    const { base, missing } = await baseIfThere(file);
    const read = await recipeOf(file, base);
    const own = [...missing, ...read.findings];
    for (const finding of own) {
      const refused = finding.level === "refusal" ? "training would refuse this: " : "";
      findings.push({ ...finding, message: `${basename(recipe)}: ${refused}${finding.message}` });
    }
    plans.push(...(await plansOf(file, read, base)));
  }
  return { findings, figure: figureOf(plans) };
}

/** A recipe may be looked at where its checkpoint is not. */
async function baseIfThere(file: RecipeFile): Promise<{ base?: Checkpoint | undefined; missing: Finding[] }> {
  try {
    return { base: await baseOf(file), missing: [] };
  } catch (error) {
    if (!(error instanceof IllustriousError) || error.code === "internal") throw error;
    const finding: Finding = {
      level: "warning",
      code: "no_checkpoint",
      message: `plotted without its checkpoint, as eps where the recipe does not say: ${error.message}`,
      hint: "Give pretrained_model_name_or_path where it lies: what it predicts and its schedule change every curve.",
    };
    return { missing: [finding] };
  }
}

/** One, or where each picture's size shifts its draws, one for each size that the recipe's data set asks for. */
async function plansOf(file: RecipeFile, recipe: TrainingRecipe, base: Checkpoint | undefined): Promise<NamedPlan[]> {
  if (!recipe.shiftBySize) return [namedPlan(file.name, recipe.objective)];
  const { datasets } = await datasetOf(file);
  const areas = datasets.flatMap(({ resolution, resolutions }) => resolutions ?? (resolution ? [resolution] : []));
  const { unet, vae } = base?.configs ?? {};
  const usual = unet && vae ? usualSide({ unet, vae }) : undefined;
  const named = new Map(areas.map((area) => [`${file.name}, ${area.width} x ${area.height}`, area]));
  const { shift = 1 } = recipe.objective.timesteps ?? {};
  return [...named].map(([name, { width, height }]) =>
    namedPlan(name, recipe.objective, shift * shiftForSize(width, height, usual)),
  );
}

function figureOf(plans: readonly NamedPlan[]): RecipeFigure {
  const bytes = (text: string) => new TextEncoder().encode(text);
  return {
    text: (columns) => planText(plans, columns),
    async file(ending) {
      switch (ending) {
        case ".svg":
          return bytes(planSvg(plans));
        case ".png":
          return planPng(planSvg(plans));
        case ".json":
          return bytes(`${JSON.stringify(planJson(plans), null, 2)}\n`);
        case ".csv":
          return bytes(planCsv(plans));
        default:
          throw new IllustriousError(
            "bad_option",
            `a plot as ${ending || "a file without ending"}`,
            "Name a .png, .svg, .json or .csv file.",
          );
      }
    },
  };
}
