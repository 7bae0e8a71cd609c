/**
 * @file A perceptual hash: dHash, by Neal Krawetz ("Kind of Like That", hackerfactor.com, 2013). A picture is reduced to 9 x 8 mean
 * lumas, and each of 64 bits tells whether a cell is brighter than the one on its left. Enlarging, shrinking, compressing and
 * brightening change few of them; mirroring, turning and cutting change many.
 *
 * Two things are not as published. A bit needs a difference of more than one step of 255, so that what compression leaves on flat
 * ground does not decide it; and a picture with few such differences, one that is flat or changes only downwards, has no hash, since
 * the hashes of all such pictures would be nearly equal.
 */

import type { Pixels } from "../../colour/index.ts";

const COLUMNS = 9;
const ROWS = 8;

/** Of 255: differences up to it are none. */
const DEAD_ZONE = 1;

/** Of 64: with fewer neighbours that differ, a picture has no hash. */
const LEAST_EDGES = 8;

/** What the hash of an audit is called, in its manifest: hashes of different names do not compare. */
export const PERCEPTUAL_HASH = "dhash-9x8-1";

/** 64 bits, row by row from the top left, the first one the highest; `null` for a picture with too few differences. */
export function dHash(pixels: Pixels): bigint | null {
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
function meanLumas({ width, height, rgb }: Pixels): Float64Array {
  // Sums of luma, in thousandths, of whole rows of cells from the top: a cell is a difference of sums.
  const fromTop = Array.from({ length: COLUMNS }, () => new Float64Array(height + 1));
  const toEdge = new Float64Array(COLUMNS);
  for (let y = 0; y < height; y++) {
    sumToEdges(rgb.subarray(3 * width * y, 3 * width * (y + 1)), width, toEdge);
    for (let column = 0; column < COLUMNS; column++) {
      const before = column === 0 ? 0 : toEdge[column - 1]!;
      fromTop[column]![y + 1] = fromTop[column]![y]! + toEdge[column]! - before;
    }
  }
  const area = (1000 * width * height) / (COLUMNS * ROWS);
  return Float64Array.from({ length: COLUMNS * ROWS }, (_, i) => {
    const sums = fromTop[i % COLUMNS]!;
    const row = Math.floor(i / COLUMNS);
    return (sumAt(sums, ((row + 1) * height) / ROWS) - sumAt(sums, (row * height) / ROWS)) / area;
  });
}

/**
 * Sums of a row's luma from its left edge to the right one of each cell. Every byte of the picture is read here: channels are summed by
 * themselves, in integers, and weighted once a cell.
 */
function sumToEdges(row: Uint8Array, width: number, toEdge: Float64Array): void {
  let sum = 0;
  let i = 0;
  for (let column = 0; column < COLUMNS; column++) {
    const place = ((column + 1) * width) / COLUMNS;
    const edge = 3 * Math.floor(place);
    let r = 0;
    let g = 0;
    let b = 0;
    for (; i < edge; i += 3) {
      r = (r + row[i]!) | 0;
      g = (g + row[i + 1]!) | 0;
      b = (b + row[i + 2]!) | 0;
    }
    sum += 299 * r + 587 * g + 114 * b;
    const inside = place - Math.floor(place);
    toEdge[column] = inside === 0 ? sum : sum + inside * (299 * row[i]! + 587 * row[i + 1]! + 114 * row[i + 2]!);
  }
}

/** A sum that grows evenly inside a pixel, at a place that need not be a pixel's edge. */
function sumAt(sums: Float64Array, place: number): number {
  const edge = Math.min(Math.floor(place), sums.length - 1);
  const inside = place - edge;
  return inside <= 0 ? sums[edge]! : sums[edge]! + inside * (sums[edge + 1]! - sums[edge]!);
}
