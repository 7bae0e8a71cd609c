/** @file Shares of pixels with exact values, counted on the picture as decoded: an average would hide them. */

import { bytesAt, integersAt, kernels, layOut } from "./kernels/kernels.ts";
import type { Pixels } from "./pixels.ts";

export type ExactShares = {
  /** Shares of the pixels as decoded, 0 to 1: exactly #FFFFFF, exactly #000000, any channel at 255, any channel at 0. */
  whiteShare: number;
  blackShare: number;
  clippedHighShare: number;
  clippedLowShare: number;
};

export function exactShares({ width, height, rgb }: Pixels): ExactShares {
  const at = layOut({ rgb: rgb.length, counts: 16 });
  bytesAt(at.rgb, rgb.length).set(rgb);
  const counts = integersAt(at.counts, 4).fill(0);
  const pixels = width * height;
  kernels.countExact(at.rgb, pixels, at.counts);
  const [white, black, high, low] = counts as unknown as [number, number, number, number];
  return {
    whiteShare: white / pixels,
    blackShare: black / pixels,
    clippedHighShare: high / pixels,
    clippedLowShare: low / pixels,
  };
}
