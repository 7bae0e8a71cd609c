/** @file Pixels as this folder takes them, and the working size that makes the measures of two pictures comparable. */

import { IllustriousError } from "../base/error.ts";

/** Weights of rows have 15 bits. */
const LARGEST_SIDE = 32_767;

export type Pixels = {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** 8-bit sRGB red, green and blue of each pixel, row by row from the top: `3 * width * height` bytes. */
  readonly rgb: Uint8Array;
};

/** @throws IllustriousError `bad_shape` when `rgb` has not 3 bytes a pixel */
export function checkPixels({ width, height, rgb }: Pixels): void {
  const sides = [width, height].every((side) => Number.isInteger(side) && side >= 1);
  if (sides && rgb.length === 3 * width * height) return;
  const message = `a picture of ${width} x ${height} with ${rgb.length} bytes`;
  throw new IllustriousError("bad_shape", message, "Give whole sides of at least 1 and three bytes a pixel.");
}

/** Width and height at a long side of `longSide`; `undefined` for a picture that is no larger. */
export function workingSize(
  { width, height }: { readonly width: number; readonly height: number },
  longSide: number,
): [width: number, height: number] | undefined {
  if (!Number.isInteger(longSide) || longSide < 1 || longSide > LARGEST_SIDE) {
    const way = `Give a whole number of pixels up to ${LARGEST_SIDE}, such as 768.`;
    throw new IllustriousError("bad_option", `working size ${longSide}`, way);
  }
  const scale = longSide / Math.max(width, height);
  if (scale >= 1) return undefined;
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}
