/**
 * @file A quick look at latents without the decoder: each latent pixel's colour as a linear function of its channels.
 * What is looked at is the clean guess, never the noisy latents, so the first step of zero SNR shows as true as the last.
 */

import type { VaeConfig } from "../models/sdxl/config.ts";
import { float32, type Session } from "../runtime/runtime.ts";
import { imageFromPlanes, type RgbImage } from "./image.ts";
import { type Latents, unscaled } from "./vae.ts";

/** Rows: one a latent channel, then the bias. Columns: red, green, blue in -1 … 1. */
export type LatentColours = readonly (readonly [number, number, number])[];

/** SDXL's own autoencoder (scaling factor 0.13025), as ComfyUI fits it. */
const SDXL: LatentColours = [
  [0.3651, 0.4232, 0.4341],
  [-0.2533, -0.0042, 0.1068],
  [0.1076, 0.1111, -0.0362],
  [-0.3165, -0.2492, -0.2188],
  [0.1084, -0.0175, -0.0011],
];

/** The known colours of SDXL's autoencoder, or those fitted to this decoder. */
export async function latentColours(config: VaeConfig, decoder: Session): Promise<LatentColours> {
  return config.scalingFactor === 0.13025 && config.latentChannels === 4 ? SDXL : fitColours(config, decoder);
}

export function previewOf({ data, height, width }: Latents, colours: LatentColours): RgbImage {
  const area = height * width;
  const bias = colours.at(-1)!;
  const planes = new Float32Array(3 * area);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < area; i++) {
      let value = bias[c]!;
      for (let channel = 0; channel < colours.length - 1; channel++) {
        value += data[channel * area + i]! * colours[channel]![c]!;
      }
      planes[c * area + i] = value;
    }
  }
  return imageFromPlanes(planes, width, height);
}

/** Least squares over flat latents of many values: what the decoder paints where nothing but the colour is given. */
async function fitColours(config: VaeConfig, decoder: Session): Promise<LatentColours> {
  const side = 4;
  const channels = config.latentChannels;
  const rows: number[][] = [];
  const colours: number[][] = [];
  for (let k = 0; k < 8 * channels; k++) {
    // A spread of levels in every channel, the same each time.
    const levels = Array.from({ length: channels }, (_, c) => 1.5 * Math.sin(1 + k * (c + 1) * 0.7 + c));
    const flat = Float32Array.from({ length: channels * side * side }, (_, i) => levels[Math.floor(i / side ** 2)]!);
    const raw = unscaled(config, { data: flat, height: side, width: side });
    const { image } = await decoder.run({ latents: float32(raw, [1, channels, side, side]) });
    const area = image!.data.length / 3;
    rows.push([...levels, 1]);
    colours.push([0, 1, 2].map((c) => meanOf((image!.data as Float32Array).subarray(c * area, (c + 1) * area))));
  }
  return solve(rows, colours) as [number, number, number][];
}

function meanOf(values: Float32Array): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length;
}

/** Normal equations by Gauss-Jordan elimination; a handful of unknowns. */
function solve(rows: readonly number[][], targets: readonly number[][]): number[][] {
  const n = rows[0]!.length;
  const system = Array.from({ length: n }, (_, i) => [
    ...Array.from({ length: n }, (_, j) => rows.reduce((sum, row) => sum + row[i]! * row[j]!, i === j ? 1e-6 : 0)),
    ...Array.from({ length: 3 }, (_, c) => rows.reduce((sum, row, k) => sum + row[i]! * targets[k]![c]!, 0)),
  ]);
  for (let i = 0; i < n; i++) {
    const pivot = system[i]!;
    const scale = pivot[i]!;
    for (let j = 0; j < pivot.length; j++) pivot[j]! /= scale;
    for (let k = 0; k < n; k++) {
      const factor = system[k]![i]!;
      if (k !== i) for (let j = 0; j < pivot.length; j++) system[k]![j]! -= factor * pivot[j]!;
    }
  }
  return system.map((row) => row.slice(n));
}
