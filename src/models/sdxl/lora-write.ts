/** @file Writes a LoRA as kohya's trainers do: their keys, an alpha beside each pair, and metadata that says what was done. */

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
import { storableType } from "./storable.ts";

/** One network's pairs, as `withLora` made them. */
export type LoraValues = {
  readonly targets: ReadonlyMap<string, LoraShape>;
  readonly parameters: readonly LoraParameter[];
  /** By the parameters' names. */
  readonly values: ReadonlyMap<string, Float32Array>;
};

export type LoraDType = WeightDType;

/**
 * Writes the file whole or not at all. Returns the names of tensors that the type cannot hold and that are F32 in its place.
 *
 * @throws IllustriousError `bad_file` for values that are not finite; `bad_shape`; `write_failed`
 */
export async function writeLora(
  path: string,
  configs: SdxlConfigs,
  parts: Readonly<Partial<Record<LoraComponent, LoraValues>>>,
  settings: LoraSettings,
  dtype: LoraDType = "F16",
): Promise<string[]> {
  const tensors = LORA_COMPONENTS.flatMap((component) => {
    const part = parts[component];
    return part ? tensorsOf(component, configs, part, dtype) : [];
  });
  await writeSafetensors(path, tensors, (hash) => loraMetadata(settings, hash));
  return tensors.filter((tensor) => tensor.dtype !== dtype).map(({ name }) => name);
}

function tensorsOf(
  component: LoraComponent,
  configs: SdxlConfigs,
  part: LoraValues,
  dtype: LoraDType,
): TensorToWrite[] {
  const places = new Map(parametersOf(component, configs)!.map((parameter) => [parameter.name, parameter]));
  const modules = new Map<string, LoraShape>();
  const tensors = part.parameters.map(({ name, shape, role, target }): TensorToWrite => {
    const place = places.get(target);
    const values = part.values.get(name);
    const pair = part.targets.get(target);
    if (!place || !values || !pair) throw internalError(`${name} is no part of a LoRA for ${component}`);
    const module = kohyaModule(component, place);
    modules.set(module, pair);
    return tensorOf(module + loraSuffix(role), shape, values, dtype);
  });
  for (const [module, { alpha }] of modules) {
    tensors.push(tensorOf(`${module}.alpha`, [], Float32Array.of(alpha), dtype));
  }
  return tensors;
}

function tensorOf(name: string, shape: readonly number[], values: Float32Array, asked: LoraDType): TensorToWrite {
  const dtype = storableType(name, values, asked);
  return { name, dtype, shape, data: () => bytesFromFloat32(values, dtype) };
}
