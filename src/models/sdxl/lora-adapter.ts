/**
 * @file PEFT's settings in a LoRA's metadata, where diffusers has kept them since 0.34 under `lora_adapter_metadata`: JSON
 * of fields such as `unet.lora_alpha`; or in `adapter_config.json` beside PEFT's own `adapter_model.safetensors`, without the
 * network's name. Files without them, and without alphas, mean alpha = rank.
 */

import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { readSmallFile } from "../../formats/regular-file.ts";
import type { SafetensorsFile } from "../../formats/safetensors/index.ts";
import type { LoraComponent } from "./lora-targets.ts";
import { FOLDER } from "./names.ts";

const KEY = "lora_adapter_metadata";

/** A layer's alpha; undefined where nothing is said. */
export type AdapterAlpha = (component: LoraComponent, parameter: string, rank: number) => number | undefined;

/** @throws IllustriousError `bad_file` for settings that are no JSON object; `unsupported` for DoRA */
export function adapterAlphas({ metadata, path }: SafetensorsFile): AdapterAlpha {
  const text = metadata.get(KEY);
  const beside = text === undefined && basename(path) === "adapter_model.safetensors" ? readBeside(path) : undefined;
  const settings = beside ?? (text === undefined ? {} : parse(text, `${path}: metadata ${KEY}`));
  return (component, parameter, rank) => {
    const field = (name: string) => settings[beside ? name : `${FOLDER[component]}.${name}`];
    if (field("use_dora") === true) {
      throw new IllustriousError("unsupported", `${path}: a DoRA, which cannot be applied`, "Take a LoRA.");
    }
    const layer = parameter.replace(/\.weight$/, "");
    const patterns = (field("alpha_pattern") ?? {}) as Record<string, unknown>;
    const own = Object.entries(patterns).find(([pattern]) => isNamed(layer, pattern))?.[1];
    const alpha = own ?? field("lora_alpha");
    if (typeof alpha !== "number" || !Number.isFinite(alpha)) return undefined;
    // Rank-stabilised LoRA divides by √rank: Kalajdzievski (2023), https://arxiv.org/abs/2312.03732.
    return field("use_rslora") === true ? alpha * Math.sqrt(rank) : alpha;
  };
}

/** By its whole path, or, where the pattern does not begin with ^, by the end of it. */
function isNamed(layer: string, pattern: string): boolean {
  return pattern.startsWith("^") ? layer === pattern.slice(1) : `.${layer}`.endsWith(`.${pattern}`);
}

/** PEFT's names for the two files of a folder. */
function readBeside(path: string): Record<string, unknown> | undefined {
  const config = join(dirname(path), "adapter_config.json");
  if (!existsSync(config)) return undefined;
  const tooLarge = new IllustriousError("bad_file", `${config}: too large for settings`, "Take the LoRA's own file.");
  const bytes = readSmallFile(config, (size) => (size > MOST_BYTES ? tooLarge : undefined));
  return parse(Buffer.from(bytes).toString("utf8"), config);
}

const MOST_BYTES = 2 ** 20;

function parse(text: string, where: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new IllustriousError("bad_file", `${where} is not a JSON object`);
}
