/** @file Shares of pixels with exact values, counted on the picture as decoded: an average would hide them. */

import { integersAt, kernels, layOut } from "./kernels/kernels.ts";
import type { Placed } from "./placed.ts";

export type ExactShares = {
  /** Shares of the pixels as decoded, 0 to 1: exactly #FFFFFF, exactly #000000, any channel at 255, any channel at 0. */
  whiteShare: number;
  blackShare: number;
  clippedHighShare: number;
  clippedLowShare: number;
};

export function exactShares({ width, height, rgb, end }: Placed): ExactShares {
  const at = layOut({ counts: 16 }, end);
  const counts = integersAt(at.counts, 4).fill(0);
  const pixels = width * height;
  kernels.countExact(rgb, pixels, at.counts);
  const [white, black, high, low] = counts as unknown as [number, number, number, number];
  return {
    whiteShare: white / pixels,
    blackShare: black / pixels,
    clippedHighShare: high / pixels,
    clippedLowShare: low / pixels,
  };
}
