/** @file Pixels as this folder takes them, and the working size that makes the measures of two pictures comparable. */

import { IllustriousError } from "../base/error.ts";

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

/** Row by row: a source row is summed sideways once, then added to the one or two new rows that it lies in. */
function shrink({ width, height, rgb }: Pixels, newWidth: number, newHeight: number): Pixels {
  const out = new Uint8Array(3 * newWidth * newHeight);
  const across = width / newWidth;
  const down = height / newHeight;
  const row = new Float64Array(3 * newWidth);
  const sum = new Float64Array(3 * newWidth);
  const area = across * down;
  let to = 0;
  for (let y = 0; y < height; y++) {
    sumAcross(rgb, 3 * width * y, width, across, row);
    const bottom = (to + 1) * down;
    const inside = Math.min(1, bottom - y);
    for (let i = 0; i < row.length; i++) sum[i]! += inside * row[i]!;
    // A last row that rounding leaves a hair short of its bottom is complete, too.
    if (y + 1 < bottom && y + 1 < height) continue;
    const start = 3 * newWidth * to;
    for (let i = 0; i < row.length; i++) {
      out[start + i] = Math.round(sum[i]! / area);
      sum[i] = (1 - inside) * row[i]!;
    }
    to++;
  }
  return { width: newWidth, height: newHeight, rgb: out };
}

function sumAcross(rgb: Uint8Array, start: number, width: number, across: number, row: Float64Array): void {
  let i = start;
  let r = 0;
  let g = 0;
  let b = 0;
  let to = 0;
  let right = across;
  for (let x = 0; x < width; x++, i += 3) {
    if (x + 1 < right) {
      r += rgb[i]!;
      g += rgb[i + 1]!;
      b += rgb[i + 2]!;
      continue;
    }
    const inside = right - x;
    row[to] = r + inside * rgb[i]!;
    row[to + 1] = g + inside * rgb[i + 1]!;
    row[to + 2] = b + inside * rgb[i + 2]!;
    r = (1 - inside) * rgb[i]!;
    g = (1 - inside) * rgb[i + 1]!;
    b = (1 - inside) * rgb[i + 2]!;
    to += 3;
    // By a product: sums of `across` would drift from the last pixel's edge, which rounding must reach.
    right = to + 3 === row.length ? width : (to / 3 + 1) * across;
  }
}
