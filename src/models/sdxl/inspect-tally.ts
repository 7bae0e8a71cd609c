/** @file Counts of tensors, numbers and bytes, by element type and by network. */

import type { StoredTensor } from "./checkpoint-bind.ts";
import { FOLDER, SGM_PREFIX } from "./names.ts";

export type Tally = {
  readonly name: string;
  readonly tensors: number;
  readonly parameters: number;
  readonly bytes: number;
};

/** Largest first. */
export function tallyByDType(tensors: readonly StoredTensor[]): Tally[] {
  return tally(tensors, (tensor) => tensor.dtype);
}

/**
 * Largest first; what belongs to no network is `other`.
 *
 * @param ofFile the network of each file whose keys have no prefix to tell it
 */
export function tallyByComponent(tensors: readonly StoredTensor[], ofFile: ReadonlyMap<string, string>): Tally[] {
  return tally(tensors, ({ name, path }) => {
    const byPrefix = PREFIXES.find(([prefix]) => name.startsWith(prefix));
    return byPrefix?.[1] ?? ofFile.get(path) ?? "other";
  });
}

/** Beginnings of keys in single files and in LoRAs, kohya's and PEFT's. */
const PREFIXES: readonly (readonly [prefix: string, component: string])[] = [
  ...(Object.keys(FOLDER) as (keyof typeof FOLDER)[]).map((c) => [SGM_PREFIX[c], FOLDER[c]] as const),
  ["lora_unet_", "unet"],
  ["lora_te1_", "text_encoder"],
  ["lora_te2_", "text_encoder_2"],
  ["unet.", "unet"],
  ["text_encoder.", "text_encoder"],
  ["text_encoder_2.", "text_encoder_2"],
];

function tally(tensors: readonly StoredTensor[], groupOf: (tensor: StoredTensor) => string): Tally[] {
  const groups = new Map<string, Tally>();
  for (const tensor of tensors) {
    const name = groupOf(tensor);
    const sum = groups.get(name) ?? { name, tensors: 0, parameters: 0, bytes: 0 };
    groups.set(name, {
      name,
      tensors: sum.tensors + 1,
      parameters: sum.parameters + tensor.shape.reduce((a, b) => a * b, 1),
      bytes: sum.bytes + tensor.length,
    });
  }
  return [...groups.values()].sort((a, b) => b.bytes - a.bytes);
}
