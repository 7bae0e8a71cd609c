/** @file What recipes ask of each noise level, drawn, before anything is trained. Needs no model and no pictures. */

import { basename } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import type { Finding } from "../../sampling/finding.ts";
import { type NamedPlan, namedPlan, planCsv, planJson, planPng, planSvg, planText } from "../../trainer/plot/index.ts";
import { readRecipe } from "../../training/recipe/index.ts";
import { DATA_KEY_NAMES } from "./recipe-data.ts";
import { readRecipeFile } from "./recipe-file.ts";
import { parseTrainOptions, type TrainOptions } from "./train-options.ts";

export type RecipeFigure = {
  /** For a terminal of so many columns. */
  text(columns: number): string;
  /** @param ending .png, .svg, .json or .csv */
  file(ending: string): Promise<Uint8Array>;
};

/** @throws IllustriousError for recipes that cannot be read; refusals of the recipes themselves are among the findings */
export async function plotRecipes(
  recipes: readonly string[],
  set: TrainOptions["set"] = {},
): Promise<{ findings: readonly Finding[]; figure: RecipeFigure }> {
  const findings: Finding[] = [];
  const plans: NamedPlan[] = [];
  for (const recipe of recipes) {
    const file = await readRecipeFile(parseTrainOptions({ recipe, set }));
    const read = readRecipe(file.raw, { dataKeys: DATA_KEY_NAMES });
    findings.push(...read.findings.map((f) => ({ ...f, message: `${basename(recipe)}: ${f.message}` })));
    plans.push(namedPlan(file.name, read.objective));
  }
  const bytes = (text: string) => new TextEncoder().encode(text);
  const figure: RecipeFigure = {
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
  return { findings, figure };
}
