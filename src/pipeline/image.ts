/** @file Pictures as bytes, and the float tensors that the autoencoder reads and writes. */

import type { RgbImage } from "../formats/png/encode.ts";

export type { RgbImage };

/** Planes [3, height, width] in -1 … 1 as bytes, clamped and rounded. */
export function imageFromPlanes(planes: Float32Array, width: number, height: number): RgbImage {
  const area = width * height;
  // Clamped by the array type, which also rounds halves to even.
  const rgb = new Uint8ClampedArray(3 * area);
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < area; i++) rgb[3 * i + channel] = (planes[channel * area + i]! * 0.5 + 0.5) * 255;
  }
  return { width, height, rgb: new Uint8Array(rgb.buffer) };
}

export function planesFromImage({ rgb, width, height }: RgbImage): Float32Array {
  const area = width * height;
  const planes = new Float32Array(3 * area);
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < area; i++) planes[channel * area + i] = rgb[3 * i + channel]! / 127.5 - 1;
  }
  return planes;
}
