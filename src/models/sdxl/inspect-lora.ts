/** @file What a LoRA file says of itself: ranks from its shapes, the rest from kohya's metadata. */

import type { SafetensorsFile } from "../../formats/safetensors/index.ts";
import { otherAlgebra } from "./lora-names.ts";

export type LoraFacts = {
  /** Layers that it changes. */
  readonly modules: number;
  /** Ranks of the plain low-rank pairs, ascending; empty for LyCORIS's other algebras. */
  readonly ranks: readonly number[];
  /** `ss_network_alpha`; the files' own `.alpha` tensors, which decide, are not read here. */
  readonly alpha?: number;
  readonly networkModule?: string;
  /** The model that it was trained on, by the name its trainer saw. */
  readonly trainedOn?: string;
  /** The algebra that keeps it from being applied: DoRA, LoHa … */
  readonly unsupported?: string;
};

export function loraFacts({ tensors, metadata }: SafetensorsFile): LoraFacts {
  const ranks = new Set<number>();
  const modules = new Set<string>();
  for (const [key, { shape }] of tensors) {
    modules.add(
      key.replace(/[._](lora[._]|lora_linear_layer|hada_|lokr_|oft_|boft_|alpha$|diff|dora_scale|[wb]_norm).*$/, ""),
    );
    if (/[._](lora[._](down|A)|lora_linear_layer\.down)\./.test(key) && shape[0] !== undefined) ranks.add(shape[0]);
  }
  const alpha = Number(metadata.get("ss_network_alpha") ?? "none");
  const networkModule = metadata.get("ss_network_module");
  const trainedOn = metadata.get("ss_sd_model_name");
  const unsupported = [...tensors.keys()].map(otherAlgebra).find((algebra) => algebra !== undefined);
  return {
    modules: modules.size,
    ranks: [...ranks].sort((a, b) => a - b),
    ...(Number.isFinite(alpha) && { alpha }),
    ...(networkModule && { networkModule }),
    ...(trainedOn && { trainedOn }),
    ...(unsupported && { unsupported }),
  };
}
