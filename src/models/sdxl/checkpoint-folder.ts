/** @file Opens a diffusers folder: `model_index.json` and one folder a component. */

import { join } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { exists } from "../../formats/exists.ts";
import type { SafetensorsFile } from "../../formats/safetensors/index.ts";
import { type Bound, bindWeights, poolOf } from "./checkpoint-bind.ts";
import { namesOf, openComponentFiles, readJson } from "./checkpoint-files.ts";
import type { SdxlConfigs } from "./config.ts";
import { parseClipConfig, parseUNetConfig, parseVaeConfig } from "./config-json.ts";
import { COMPONENTS, type Component, FOLDER, parametersOf } from "./names.ts";
import { type Clues, MARKERS } from "./prediction-evidence.ts";

/** A checkpoint of either layout before anything is demanded of it. */
export type Opened = {
  readonly configs: SdxlConfigs;
  /** What was found of each component. */
  readonly bound: ReadonlyMap<Component, Bound>;
  /** Keys that no component uses. */
  readonly rest: readonly string[];
  readonly clues: Clues;
  /** Every file that was opened; their paths are real ones. */
  readonly files: readonly SafetensorsFile[];
  readonly tokenizerFolders?: TokenizerFolders;
  /** `force_zeros_for_empty_prompt`. */
  readonly zerosForEmptyPrompt?: boolean;
};

export type TokenizerFolders = { readonly tokenizer: string; readonly tokenizer2: string };

export async function openFolder(
  path: string,
  variant?: string,
  components: readonly Component[] = COMPONENTS,
): Promise<Opened> {
  const index = await readIndex(path);
  const configs: SdxlConfigs = {
    unet: parseUNetConfig(...(await config(path, "unet"))),
    ...(index.vae != null && components.includes("vae") && { vae: parseVaeConfig(...(await config(path, "vae"))) }),
    textEncoder: parseClipConfig(...(await config(path, "textEncoder")), false),
    textEncoder2: parseClipConfig(...(await config(path, "textEncoder2")), true),
  };
  const bound = new Map<Component, Bound>();
  const rest: string[] = [];
  const files: SafetensorsFile[] = [];
  const marks = new Set<string>();
  const metadata = new Map<string, string>();
  for (const component of components) {
    const parameters = parametersOf(component, configs);
    if (!parameters) continue;
    const opened = await openComponentFiles(join(path, FOLDER[component]), variant);
    const pool = poolOf(opened);
    const found = bindWeights(parameters, pool, { naming: "diffusers", prefix: "" });
    bound.set(component, found);
    for (const key of pool.keys()) {
      if (component === "unet" && MARKERS.includes(key)) marks.add(key);
      if (!found.used.has(key)) rest.push(`${FOLDER[component]}/${key}`);
    }
    files.push(...opened);
    if (component === "unet") for (const file of opened) for (const [k, v] of file.metadata) metadata.set(k, v);
  }
  const scheduler = join("scheduler", "scheduler_config.json");
  const tokenizerFolders = { tokenizer: join(path, "tokenizer"), tokenizer2: join(path, "tokenizer_2") };
  return {
    configs,
    bound,
    rest,
    files,
    clues: {
      tensors: marks,
      scalars: new Map(),
      metadata,
      ...((await exists(join(path, scheduler))) && {
        scheduler: { source: "scheduler_config.json", json: await readJson(join(path, scheduler)) },
      }),
      names: namesOf(path),
    },
    ...(typeof index.force_zeros_for_empty_prompt === "boolean" && {
      zerosForEmptyPrompt: index.force_zeros_for_empty_prompt,
    }),
    ...((await exists(tokenizerFolders.tokenizer)) &&
      (await exists(tokenizerFolders.tokenizer2)) && { tokenizerFolders }),
  };
}

/** Component name to its [library, class]; null where a component was left out. */
async function readIndex(path: string): Promise<Record<string, unknown>> {
  const file = join(path, "model_index.json");
  if (!(await exists(file))) {
    throw new IllustriousError(
      "unknown_model",
      `${path}: a folder without model_index.json, so not a diffusers checkpoint`,
      "Name a diffusers folder or a single .safetensors file.",
    );
  }
  const index = (await readJson(file)) as Record<string, unknown>;
  const type = String(index._class_name);
  // Any pipeline of the family will do (StableDiffusionXLInpaintPipeline, KolorsPipeline is none of it).
  if (!/^StableDiffusionXL/.test(type) || index.text_encoder == null) {
    throw new IllustriousError(
      "unknown_model",
      `${path}: model_index.json says ${type}${index.text_encoder == null ? " with one text encoder" : ""}, not SDXL`,
      "Only Stable Diffusion XL and models made from it (Illustrious, NoobAI, Pony) can be opened.",
    );
  }
  return index;
}

async function config(path: string, component: Component): Promise<[json: unknown, where: string]> {
  const name = `${FOLDER[component]}/config.json`;
  return [await readJson(join(path, name)), `${path}/${name}`];
}
