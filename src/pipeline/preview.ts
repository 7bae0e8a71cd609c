/**
 * @file A quick look at latents without the decoder: each latent pixel's colour as a linear function of its channels.
 * What is looked at is the clean guess, never the noisy latents, so the first step of zero SNR shows as true as the last.
 */

import type { VaeConfig } from "../models/sdxl/config.ts";
import type { Session } from "../runtime/runtime.ts";
import { imageFromPlanes, type RgbImage } from "./image.ts";
import { encodeImage, type Latents } from "./vae.ts";

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

/** The known colours of SDXL's autoencoder, or those fitted to this one; `encoder` is opened only for that. */
export async function latentColours(config: VaeConfig, encoder: () => Promise<Session>): Promise<LatentColours> {
  const known = config.scalingFactor === 0.13025 && config.latentChannels === 4;
  return known ? SDXL : fitColours(config, await encoder());
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

const SIDE = 256;

/** Named sizes of the encoder's run. */
export const FITTING_SIZES = { batch: 1, height: SIDE, width: SIDE } as const;

/** Least squares on a picture of many colours: what the encoder makes of each block against the block's own colour. */
async function fitColours(config: VaeConfig, encoder: Session): Promise<LatentColours> {
  const picture = patchwork(SIDE);
  const { data, height, width } = await encodeImage(encoder, config, picture);
  const block = SIDE / width;
  const rows: number[][] = [];
  const colours: number[][] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const latent = Array.from({ length: config.latentChannels }, (_, c) => data[(c * height + y) * width + x]!);
      rows.push([...latent, 1]);
      colours.push([0, 1, 2].map((c) => meanOfBlock(picture, c, x * block, y * block, block)));
    }
  }
  return solve(rows, colours) as [number, number, number][];
}

/** Squares of every corner and the middle of the colour cube, in two sizes, the same each time. */
function patchwork(side: number): RgbImage {
  const rgb = new Uint8Array(3 * side * side);
  const levels = [0, 128, 255];
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const size = y < side / 2 ? 32 : 16;
      const patch = Math.floor(x / size) * 7 + Math.floor(y / size) * 5 + (y < side / 2 ? 0 : 3);
      for (let c = 0; c < 3; c++) rgb[3 * (y * side + x) + c] = levels[Math.floor(patch / 3 ** c) % 3]!;
    }
  }
  return { width: side, height: side, rgb };
}

function meanOfBlock({ rgb, width }: RgbImage, channel: number, left: number, top: number, size: number): number {
  let sum = 0;
  for (let y = top; y < top + size; y++) {
    for (let x = left; x < left + size; x++) sum += rgb[3 * (y * width + x) + channel]!;
  }
  return sum / size ** 2 / 127.5 - 1;
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
