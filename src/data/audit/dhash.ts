/**
 * @file A perceptual hash: dHash, by Neal Krawetz ("Kind of Like That", hackerfactor.com, 2013). A picture is reduced to 9 x 8 mean
 * lumas, and each of 64 bits tells whether a cell is brighter than the one on its left. Enlarging, shrinking, compressing and
 * brightening change few of them; mirroring, turning and cutting change many.
 *
 * Two things are not as published. A bit needs a difference of more than one step of 255, so that what compression leaves on flat
 * ground does not decide it; and a picture with few such differences, one that is flat or changes only downwards, has no hash, since
 * the hashes of all such pictures would be nearly equal.
 */

import { areaMeans, type Pixels, type Placed } from "../../colour/index.ts";

const COLUMNS = 9;
const ROWS = 8;

/** Of 255: differences up to it are none. */
const DEAD_ZONE = 1;

/** Of 64: with fewer neighbours that differ, a picture has no hash. */
const LEAST_EDGES = 8;

/** What the hash of an audit is called, in its manifest: hashes of different names do not compare. */
export const PERCEPTUAL_HASH = "dhash-9x8-1";

/** 64 bits, row by row from the top left, the first one the highest; `null` for a picture with too few differences. */
export function dHash(pixels: Pixels | Placed): bigint | null {
  const cells = meanLumas(pixels);
  let bits = 0n;
  let edges = 0;
  for (let y = 0; y < ROWS; y++) {
    for (let x = 1; x < COLUMNS; x++) {
      const difference = cells[COLUMNS * y + x]! - cells[COLUMNS * y + x - 1]!;
      if (Math.abs(difference) > DEAD_ZONE) edges++;
      bits = (bits << 1n) | (difference > DEAD_ZONE ? 1n : 0n);
    }
  }
  return edges < LEAST_EDGES ? null : bits;
}

/** Mean luma, 0 to 255, of each cell; pixels that lie in two cells count in both by their share. */
function meanLumas(pixels: Pixels | Placed): Float64Array {
  const means = areaMeans(pixels, COLUMNS, ROWS);
  return Float64Array.from({ length: COLUMNS * ROWS }, (_, i) => {
    const [r, g, b] = means.subarray(3 * i, 3 * i + 3) as unknown as [number, number, number];
    return (299 * r + 587 * g + 114 * b) / 1000;
  });
}
