/** @file What speaks against the layout in which a recipe wants its model saved. */

import type { Finding } from "../../sampling/finding.ts";
import type { TrainingModel } from "../../trainer/sdxl-model.ts";
import type { TrainingRecipe } from "../../training/recipe/index.ts";
import { singleFileWarnings } from "../single-file-warnings.ts";
import type { RecipeFile } from "./recipe-file.ts";

/** @param openModel what learns, asked for where it matters */
export async function saveFindings(
  { own }: Pick<RecipeFile, "own">,
  { network, values, objective }: Pick<TrainingRecipe, "network" | "values" | "objective">,
  openModel: () => Promise<Pick<TrainingModel, "configs" | "tokenizerFolders">>,
): Promise<Finding[]> {
  const { save_model_as: layout } = values;
  if (layout === undefined) return [];
  const kind = own.train_vae !== undefined ? "an autoencoder" : network ? "a LoRA" : undefined;
  if (kind !== undefined) return (layout === "safetensors") === (kind === "a LoRA") ? [] : [unused(layout, kind)];
  if (layout !== "safetensors") return [];
  const { configs, tokenizerFolders } = await openModel();
  const { prediction, table } = objective;
  const shift = table.isListed ? undefined : table.shift;
  const carried = { configs, prediction, shift, ...(tokenizerFolders && { tokenizerFolders }) };
  const warnings = await singleFileWarnings(carried);
  return warnings.map((warning) => ({ level: "warning", code: "single_file", ...warning }));
}

function unused(layout: string, kind: string): Finding {
  const as = kind === "a LoRA" ? "one .safetensors file" : "a diffusers folder";
  return {
    level: "warning",
    code: "unused_option",
    message: `save_model_as = "${layout}" is set, and ${kind} is saved as ${as}`,
    hint: "It says how whole models are saved; leave it out.",
  };
}
