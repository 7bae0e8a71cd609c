/** @file Writes a LoRA as kohya's trainers do: their keys, an alpha beside each pair, and metadata that says what was done. */

import { createHash } from "node:crypto";
import type { WeightDType } from "../../base/dtype.ts";
import { internalError } from "../../base/error.ts";
import { bytesFromFloat32 } from "../../base/float-bytes.ts";
import { type TensorToWrite, writeSafetensors } from "../../formats/safetensors/index.ts";
import { type LoraParameter, type LoraShape, loraSuffix } from "../../nn/lora.ts";
import type { SdxlConfigs } from "./config.ts";
import { type LoraSettings, loraMetadata } from "./lora-metadata.ts";
import { kohyaModule } from "./lora-names.ts";
import { LORA_COMPONENTS, type LoraComponent } from "./lora-targets.ts";
import { parametersOf } from "./names.ts";
import { checkStorable } from "./storable.ts";

/** One network's pairs, as `withLora` made them. */
export type LoraValues = {
  readonly targets: ReadonlyMap<string, LoraShape>;
  readonly parameters: readonly LoraParameter[];
  /** By the parameters' names. */
  readonly values: ReadonlyMap<string, Float32Array>;
};

export type LoraDType = WeightDType;

/**
 * Writes the file whole or not at all.
 *
 * @throws IllustriousError `bad_option` for values that are not finite or too large for F16; `bad_shape`; `write_failed`
 */
export async function writeLora(
  path: string,
  configs: SdxlConfigs,
  parts: Readonly<Partial<Record<LoraComponent, LoraValues>>>,
  settings: LoraSettings,
  dtype: LoraDType = "F16",
): Promise<void> {
  const tensors = LORA_COMPONENTS.flatMap((component) => {
    const part = parts[component];
    return part ? tensorsOf(component, configs, part, dtype) : [];
  });
  // The order of the file, where all are of one type.
  tensors.sort((a, b) => (a.name < b.name ? -1 : 1));
  const hash = createHash("sha256");
  for (const { data } of tensors) hash.update(data());
  await writeSafetensors(path, tensors, loraMetadata(settings, hash.digest("hex")));
}

type Lazy = Omit<TensorToWrite, "data"> & { readonly data: () => Uint8Array };

function tensorsOf(component: LoraComponent, configs: SdxlConfigs, part: LoraValues, dtype: LoraDType): Lazy[] {
  const places = new Map(parametersOf(component, configs)!.map((parameter) => [parameter.name, parameter]));
  const modules = new Map<string, LoraShape>();
  const tensors = part.parameters.map(({ name, shape, role, target }): Lazy => {
    const place = places.get(target);
    const values = part.values.get(name);
    const pair = part.targets.get(target);
    if (!place || !values || !pair) throw internalError(`${name} is no part of a LoRA for ${component}`);
    checkStorable(name, values, dtype);
    const module = kohyaModule(component, place);
    modules.set(module, pair);
    return { name: module + loraSuffix(role), dtype, shape, data: () => bytesFromFloat32(values, dtype) };
  });
  for (const [module, { alpha }] of modules) {
    tensors.push({
      name: `${module}.alpha`,
      dtype,
      shape: [],
      data: () => bytesFromFloat32(Float32Array.of(alpha), dtype),
    });
  }
  return tensors;
}
