/** @file Which LoRAs a picture is made with: those of the options, then those that its prompt asks for in tags. */

import { IllustriousError } from "../base/error.ts";
import type { AppliedLora, LoraRequest } from "../pipeline/loras.ts";
import type { LoraTag } from "../pipeline/prompt/loras.ts";
import { findLora, isFile, loraFolders } from "./find-lora.ts";
import type { Environment } from "./find-model.ts";
import { readLoraChoice } from "./lora-choice.ts";

export type LoraWarning = { readonly message: string; readonly hint?: string };

export type ChosenLoras = { readonly requests: readonly LoraRequest[]; readonly warnings: readonly LoraWarning[] };

/**
 * @param choices as `readLoraChoice` reads them
 * @param tags of the prompt
 * @param model its path
 * @throws IllustriousError `missing_file` for a choice that is not found; a tag that is not is a warning, as in A1111
 */
export async function chooseLoras(
  choices: readonly string[],
  tags: readonly LoraTag[],
  model: string,
  env: Environment = process.env,
): Promise<ChosenLoras> {
  const requests: LoraRequest[] = [];
  const missing = new Set<string>();
  for (const { name, ...strengths } of choices.map(readLoraChoice)) {
    const path = (await isFile(name)) ? name : await findLora(name, model, env);
    if (path === undefined) {
      const message = `no LoRA "${name}" is found`;
      throw new IllustriousError(
        "missing_file",
        message,
        `Give its path, or its name if it lies in ${where(model, env)}.`,
      );
    }
    requests.push({ path, ...strengths });
  }
  for (const { name, ...strengths } of tags) {
    const path = await findLora(name, model, env);
    if (path !== undefined) requests.push({ path, ...strengths });
    else missing.add(name);
  }
  const warnings = [...missing].map((name) => ({
    message: `the LoRA ${name}, which the prompt asks for, is not found and left out`,
    hint: `Put it into ${where(model, env)}, or name its file with --lora.`,
  }));
  // One that has no strength would only cost memory.
  const strong = requests.filter(({ textEncoder, unet }) => textEncoder !== 0 || unet !== 0);
  return { requests: strong, warnings };
}

function where(model: string, env: Environment): string {
  return loraFolders(model, env)
    .map(({ folder }) => folder)
    .join(", ");
}

/** What a user should know of the LoRAs beside a model that predicts `prediction`, once each, however often one is asked for. */
export function loraWarnings(loras: readonly AppliedLora[], prediction: string): LoraWarning[] {
  const all = loras.flatMap(({ file: { name, unknown, trainedFor } }) => {
    const warnings: LoraWarning[] = [];
    if (unknown.length > 0) {
      const some = unknown.slice(0, 3).join(", ") + (unknown.length > 3 ? " …" : "");
      const message = `${unknown.length} of the tensors in the LoRA ${name} belong to no layer of this model: ${some}`;
      warnings.push({ message, hint: "They are left out; it may have been made for another family of models." });
    }
    if (trainedFor !== undefined && trainedFor !== prediction && ["eps", "v", "flow"].includes(prediction)) {
      const message = `the LoRA ${name} says that it was trained on a model that predicts ${trainedFor}; this one predicts ${prediction}`;
      const hint = [trainedFor, prediction].includes("flow")
        ? "Flow mixes picture and noise in other shares, so expect broken pictures; use a LoRA of the model's own kind."
        : "Often that works; if colours break, make it weaker.";
      warnings.push({ message, hint });
    }
    return warnings;
  });
  return [...new Map(all.map((warning) => [warning.message, warning])).values()];
}
