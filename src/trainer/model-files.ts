/** @file Trained networks as the files of a diffusers folder. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { WeightDType } from "../base/dtype.ts";
import { bytesFromFloat32 } from "../base/float-bytes.ts";
import { writeFileAtomic } from "../formats/atomic-write.ts";
import { type TensorToWrite, writeSafetensors } from "../formats/safetensors/index.ts";
import { storableType, widenedWarnings } from "../models/sdxl/storable.ts";
import type { Finding } from "../sampling/finding.ts";

export type NetworkValues = ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>;

export type StoredDType = WeightDType;

/** The names that diffusers looks for. */
const WEIGHTS = {
  vae: "diffusion_pytorch_model.safetensors",
  unet: "diffusion_pytorch_model.safetensors",
  text_encoder: "model.safetensors",
  text_encoder_2: "model.safetensors",
};

export type NetworkPart = keyof typeof WEIGHTS;

/**
 * Writes `<folder>/<part>/config.json` and its weights. Returns the names of tensors that the type cannot hold and that are F32 in its
 * place.
 *
 * @throws IllustriousError `bad_file` for values that are not finite
 */
export async function writeNetwork(
  folder: string,
  part: NetworkPart,
  config: Readonly<Record<string, unknown>>,
  network: NetworkValues,
  dtype: StoredDType = "F32",
  metadata: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const place = join(folder, part);
  await mkdir(place, { recursive: true });
  await writeJson(join(place, "config.json"), config);
  const tensors = tensorsToWrite(part, network, dtype);
  await writeSafetensors(join(place, WEIGHTS[part]), tensors, { format: "pt", ...metadata });
  return tensors.filter((tensor) => tensor.dtype !== dtype).map(({ name }) => `${part}.${name}`);
}

/** Of the tensors' names, what a run tells. */
export const widenedFindings = (names: readonly string[], dtype: StoredDType): Finding[] =>
  widenedWarnings(names, dtype).map((warning) => ({ level: "warning", code: "stored_wider", ...warning }));

/** @param of what errors name the tensors' owner by */
export function tensorsToWrite(of: string, network: NetworkValues, asked: StoredDType): TensorToWrite[] {
  return [...network].map(([name, { shape, values }]) => {
    const dtype = storableType(`${of}.${name}`, values, asked);
    return { name, dtype, shape, data: () => bytesFromFloat32(values, dtype) };
  });
}

export const writeJson = (path: string, value: unknown): Promise<void> =>
  writeText(path, `${JSON.stringify(value, null, 2)}\n`);

export const writeText = (path: string, text: string): Promise<void> =>
  writeFileAtomic(path, new TextEncoder().encode(text));
