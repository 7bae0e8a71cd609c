/**
 * @file PEFT's settings in a LoRA's metadata, where diffusers has kept them since 0.34 under `lora_adapter_metadata`: JSON
 * of fields such as `unet.lora_alpha`. Files without them, and without alphas, mean alpha = rank.
 */

import { IllustriousError } from "../../base/error.ts";
import type { SafetensorsFile } from "../../formats/safetensors/index.ts";
import type { LoraComponent } from "./lora-targets.ts";
import { FOLDER } from "./names.ts";

const KEY = "lora_adapter_metadata";

/** A layer's alpha; undefined where nothing is said. */
export type AdapterAlpha = (component: LoraComponent, parameter: string, rank: number) => number | undefined;

/** @throws IllustriousError `bad_file` for settings that are no JSON object; `unsupported` for DoRA */
export function adapterAlphas({ metadata, path }: SafetensorsFile): AdapterAlpha {
  const text = metadata.get(KEY);
  if (text === undefined) return () => undefined;
  const settings = parse(text, path);
  return (component, parameter, rank) => {
    const field = (name: string) => settings[`${FOLDER[component]}.${name}`];
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

function parse(text: string, path: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new IllustriousError("bad_file", `${path}: metadata ${KEY} is not a JSON object`);
}
