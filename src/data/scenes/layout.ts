/** @file Where the girls of a scene stand: the same for who draws and who judges. */

import { IllustriousError } from "../../base/error.ts";

/** Pixels: a square's side, or both sides. */
export type Size = number | { readonly width: number; readonly height: number };

/** The middle of a face, in units, and the scale of its drawing. */
export type Head = { readonly x: number; readonly y: number; readonly scale: number };

export type Layout = {
  /** Of the picture, in units: the smaller is 128. */
  readonly width: number;
  readonly height: number;
  /** Pixels a unit. */
  readonly unit: number;
  /** From left to right. */
  readonly heads: readonly Head[];
};

const SHORT_SIDE = 128;

/** @throws IllustriousError `bad_option` for sides that are not whole numbers from 16 to 4096 */
export function layoutOf(girls: number, size: Size): Layout {
  const pixels = typeof size === "number" ? { width: size, height: size } : size;
  for (const side of [pixels.width, pixels.height]) {
    if (Number.isInteger(side) && side >= 16 && side <= 4096) continue;
    throw new IllustriousError(
      "bad_option",
      `a scene of ${pixels.width} x ${pixels.height}`,
      "Sides go from 16 to 4096.",
    );
  }
  const unit = Math.min(pixels.width, pixels.height) / SHORT_SIDE;
  const width = pixels.width / unit;
  const height = pixels.height / unit;
  // In a tall picture the heads sink a little, in a wide one two girls step apart.
  const down = 0.35 * (height - SHORT_SIDE);
  const apart = 30.5 + Math.min(16, 0.2 * (width - SHORT_SIDE));
  const middle = width / 2;
  const heads =
    girls === 2
      ? [-1, 1].map((side) => ({ x: middle + side * apart, y: 64 + down, scale: 0.83 }))
      : [{ x: middle, y: 63 + down, scale: 1.22 }].slice(0, girls);
  return { width, height, unit, heads };
}
