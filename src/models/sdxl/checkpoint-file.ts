/** @file Opens a single-file checkpoint: the networks side by side under the prefixes of Stability's generative-models. */

import { IllustriousError } from "../../base/error.ts";
import { readFloat32, type SafetensorsFile } from "../../formats/safetensors/index.ts";
import { type Bound, bindWeights, poolOf } from "./checkpoint-bind.ts";
import { namesOf, openWeights } from "./checkpoint-files.ts";
import type { Opened } from "./checkpoint-folder.ts";
import { type FileKind, identify } from "./checkpoint-kind.ts";
import { inferConfigs } from "./config-infer.ts";
import { parseConfigs } from "./config-json.ts";
import { COMPONENTS, type Component, parametersOf, SGM_PREFIX } from "./names.ts";
import { type Clues, MARKERS } from "./prediction-evidence.ts";

/**
 * The metadata key under which a single file carries what a diffusers folder has in files: `config.json` of each component by
 * its folder's name, `scheduler` likewise, and `force_zeros_for_empty_prompt` of `model_index.json`.
 */
export const CONFIG_KEY = "illustrious.config";

const ADVICE: Readonly<Partial<Record<FileKind, string>>> = {
  lora: "Open the checkpoint that it was trained on, and apply the LoRA to it.",
  embedding: "Open a checkpoint, and use the embedding in its prompts.",
  vae: "Open a checkpoint, and name this file as its VAE.",
  "sdxl-unet":
    "The text encoders are missing: use the full checkpoint, or the diffusers folder that this file is from.",
};

/** @throws IllustriousError `unknown_model` saying what the file is instead */
export async function openSingleFile(path: string, components: readonly Component[] = COMPONENTS): Promise<Opened> {
  const file = await openWeights(path);
  const { kind, name } = identify(file.tensors);
  if (kind !== "sdxl") {
    const advice = ADVICE[kind] ?? "Only SDXL and models made from it (Illustrious, NoobAI, Pony) can be opened.";
    throw new IllustriousError("unknown_model", `${path}: ${name}, not an SDXL checkpoint`, advice);
  }
  const config = metadataConfig(file, path);
  const configs = config ? parseConfigs(config, `${path}: ${CONFIG_KEY}`) : inferConfigs(shapesOf(file), path);
  const pool = poolOf([file]);
  const bound = new Map<Component, Bound>();
  const used = new Set<string>();
  for (const component of components) {
    // A configuration may describe the VAE that its trainer used, and the file be without.
    if (component === "vae" && !file.tensors.has(`${SGM_PREFIX.vae}decoder.conv_in.weight`)) continue;
    const parameters = parametersOf(component, configs);
    if (!parameters) continue;
    const found = bindWeights(parameters, pool, { naming: "sgm", prefix: SGM_PREFIX[component] });
    bound.set(component, found);
    for (const key of found.used) used.add(key);
  }
  const { vae: _, ...withoutVae } = configs;
  return {
    configs: bound.has("vae") ? configs : withoutVae,
    bound,
    rest: [...file.tensors.keys()].filter((key) => !used.has(key)),
    files: [file],
    clues: await cluesOf(file, path, config?.scheduler),
    ...(typeof config?.force_zeros_for_empty_prompt === "boolean" && {
      zerosForEmptyPrompt: config.force_zeros_for_empty_prompt,
    }),
  };
}

export function shapesOf(file: SafetensorsFile, prefix = ""): (key: string) => readonly number[] | undefined {
  return (key) => file.tensors.get(prefix + key)?.shape;
}

/** @throws IllustriousError `bad_file` when the metadata key is there and holds no JSON object */
export function metadataConfig(file: SafetensorsFile, path: string): Record<string, unknown> | undefined {
  const text = file.metadata.get(CONFIG_KEY);
  if (text === undefined) return undefined;
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === "object" && json !== null) return json as Record<string, unknown>;
  } catch {
    // Said below, like any other text that is no object.
  }
  throw new IllustriousError("bad_file", `${path}: metadata ${CONFIG_KEY} is not a JSON object`);
}

/**
 * @param path as the user names it; its last part may be a hint
 * @param scheduler of a configuration in the metadata
 */
export async function cluesOf(file: SafetensorsFile, path: string, scheduler?: unknown): Promise<Clues> {
  const scalars = new Map<string, number>();
  for (const marker of MARKERS) {
    // Only a number of a few bytes is read; the marks v_pred and ztsnr are empty.
    if (marker.startsWith("edm_") && file.tensors.get(marker)?.shape.every((size) => size === 1)) {
      const value = (await readFloat32(file, marker))[0]!;
      if (Number.isFinite(value)) scalars.set(marker, value);
    }
  }
  return {
    tensors: file.tensors,
    scalars,
    metadata: file.metadata,
    ...(scheduler !== undefined && { scheduler: { source: `${CONFIG_KEY} scheduler`, json: scheduler } }),
    names: namesOf(path),
  };
}
