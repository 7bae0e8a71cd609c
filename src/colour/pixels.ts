/** @file Pixels as this folder takes them, and the working size that makes the measures of two pictures comparable. */

import { IllustriousError } from "../base/error.ts";
import { shrink } from "./areas.ts";

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

/**
 * The picture with a long side of at most `longSide`: every new pixel is the mean of the area that it covers, as OpenCV's INTER_AREA
 * has it, rounded to 8 bits. A smaller picture comes back as it is: enlarging would invent neither detail nor colour.
 */
export function atWorkingSize(pixels: Pixels, longSide: number): Pixels {
  checkPixels(pixels);
  if (!Number.isInteger(longSide) || longSide < 1) {
    throw new IllustriousError("bad_option", `working size ${longSide}`, "Give a whole number of pixels, such as 768.");
  }
  const scale = longSide / Math.max(pixels.width, pixels.height);
  if (scale >= 1) return pixels;
  const width = Math.max(1, Math.round(pixels.width * scale));
  const height = Math.max(1, Math.round(pixels.height * scale));
  return shrink(pixels, width, height);
}
