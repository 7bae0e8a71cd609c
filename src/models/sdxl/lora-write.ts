/** @file Writes a LoRA as kohya's trainers do: their keys, an alpha beside each pair, and metadata that says what was done. */

import { createHash } from "node:crypto";
import { IllustriousError, internalError } from "../../base/error.ts";
import { bfloat16FromFloat32, float16FromFloat32 } from "../../base/half.ts";
import { type TensorToWrite, writeSafetensors } from "../../formats/safetensors/index.ts";
import { type LoraParameter, type LoraShape, loraSuffix } from "../../nn/lora.ts";
import type { SdxlConfigs } from "./config.ts";
import { type LoraSettings, loraMetadata } from "./lora-metadata.ts";
import { kohyaModule } from "./lora-names.ts";
import { LORA_COMPONENTS, type LoraComponent } from "./lora-targets.ts";
import { parametersOf } from "./names.ts";

/** One network's pairs, as `withLora` made them. */
export type LoraValues = {
  readonly targets: ReadonlyMap<string, LoraShape>;
  readonly parameters: readonly LoraParameter[];
  /** By the parameters' names. */
  readonly values: ReadonlyMap<string, Float32Array>;
};

export type LoraDType = "F16" | "BF16" | "F32";

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
    checkRange(name, values, dtype);
    const module = kohyaModule(component, place);
    modules.set(module, pair);
    return { name: module + loraSuffix(role), dtype, shape, data: () => encoders[dtype](values) };
  });
  for (const [module, { alpha }] of modules) {
    tensors.push({ name: `${module}.alpha`, dtype, shape: [], data: () => encoders[dtype](Float32Array.of(alpha)) });
  }
  return tensors;
}

const encoders: Record<LoraDType, (values: Float32Array) => Uint8Array> = {
  F32: (values) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  F16: (values) => new Uint8Array(float16FromFloat32(values).buffer),
  BF16: (values) => new Uint8Array(bfloat16FromFloat32(values).buffer),
};

const LARGEST_FLOAT16 = 65504;

function checkRange(name: string, values: Float32Array, dtype: LoraDType): void {
  const most = dtype === "F16" ? LARGEST_FLOAT16 : 3.4028234663852886e38;
  const bad = values.find((value) => !(Math.abs(value) <= most));
  if (bad === undefined) return;
  const hint = Number.isFinite(bad) ? "Save it as BF16 or F32." : "Training has failed; go back to an earlier state.";
  throw new IllustriousError("bad_option", `${name} has the value ${bad}, which ${dtype} cannot hold`, hint);
}
