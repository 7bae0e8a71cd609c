/** @file Trained networks as the files of a diffusers folder. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { bfloat16FromFloat32, float16FromFloat32 } from "../base/half.ts";
import { writeFileAtomic } from "../formats/atomic-write.ts";
import { type TensorToWrite, writeSafetensors } from "../formats/safetensors/index.ts";

export type NetworkValues = ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>;

export type StoredDType = "F16" | "BF16" | "F32";

/** The names that diffusers looks for. */
const WEIGHTS = {
  vae: "diffusion_pytorch_model.safetensors",
  unet: "diffusion_pytorch_model.safetensors",
  text_encoder: "model.safetensors",
  text_encoder_2: "model.safetensors",
};

export type NetworkPart = keyof typeof WEIGHTS;

/** Writes `<folder>/<part>/config.json` and its weights. */
export async function writeNetwork(
  folder: string,
  part: NetworkPart,
  config: Readonly<Record<string, unknown>>,
  network: NetworkValues,
  dtype: StoredDType = "F32",
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const place = join(folder, part);
  await mkdir(place, { recursive: true });
  await writeJson(join(place, "config.json"), config);
  await writeSafetensors(join(place, WEIGHTS[part]), tensorsToWrite(network, dtype), { format: "pt", ...metadata });
}

export function tensorsToWrite(network: NetworkValues, dtype: StoredDType): TensorToWrite[] {
  return [...network].map(([name, { shape, values }]) => ({
    name,
    dtype,
    shape,
    data: () => bytesOf(STORED[dtype](values)),
  }));
}

const STORED: Record<StoredDType, (values: Float32Array) => Uint16Array | Float32Array> = {
  F16: float16FromFloat32,
  BF16: bfloat16FromFloat32,
  F32: (values) => values,
};

export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, (sink) => sink.write(new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)));
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint16Array | Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
