/**
 * @file How often images would have to be repeated for a measure to be spread evenly. Nothing is dropped: the fullest bin stays as it
 * is, emptier ones are repeated up to a limit.
 */

import type { SpreadCounter } from "./spread.ts";
import { edgesOf } from "./spread-distance.ts";

export type FlatBin = {
  /** Values from here to `to`; the first and the last bin also have what lies beyond. */
  readonly from: number;
  readonly to: number;
  /** Images that an epoch has of it, repeats counted. */
  readonly before: number;
  /** How many times as often an epoch is to have each, 1 to the limit; not whole. */
  readonly factor: number;
};

export type Flattening = {
  readonly bins: readonly FlatBin[];
  /** Fine bins of the spread that `bins` divide: from `first` to before `end`. */
  readonly first: number;
  readonly end: number;
  /** Index of the bin that a fine bin belongs to. */
  binOf(fineBin: number): number;
};

/** Shares of images at both ends that do not stretch the range: a few odd ones would leave most bins empty. */
const OUTER = 0.01;

/**
 * @param spread of the measure, each image as often as an epoch has it
 * @param most the largest factor
 * @param wanted bins, of equal width or ratio over the occupied range; fewer where that is too narrow
 */
export function flattening(spread: SpreadCounter, most: number, wanted: number): Flattening {
  const { fine } = spread;
  const first = fine.binOf(spread.quantile(OUTER)!);
  const end = fine.binOf(spread.quantile(1 - OUTER)!) + 1;
  const count = Math.min(wanted, end - first);
  const binOf = (bin: number) => Math.min(count - 1, Math.max(0, Math.floor(((bin - first) * count) / (end - first))));
  const before = new Float64Array(count);
  for (const [bin, images] of fine.counts.entries()) before[binOf(bin)]! += images;
  const fullest = Math.max(...before);
  const edges = edgesOf(fine);
  const edge = (bin: number) => edges(first + Math.ceil((bin * (end - first)) / count));
  const bins = Array.from(before, (images, bin) => ({
    ...{ from: edge(bin), to: edge(bin + 1), before: images },
    factor: images === 0 ? 1 : Math.min(most, fullest / images),
  }));
  return { bins, first, end, binOf };
}

/**
 * Whole numbers in place of factors: images of a bin get the next lower and the next higher one in turns, so that the bin as a whole is
 * repeated as often as it should be, to one image. They follow from the order of images alone.
 *
 * @returns the repeats of the next image, by its fine bin
 */
export function wholeRepeats({ bins, binOf }: Flattening): (fineBin: number) => number {
  const owed = new Float64Array(bins.length).fill(0.5);
  return (fineBin) => {
    const bin = binOf(fineBin);
    owed[bin]! += bins[bin]!.factor;
    const repeats = Math.floor(owed[bin]!);
    owed[bin]! -= repeats;
    return repeats;
  };
}

export type Flatness = {
  /** Entropy of the bins' shares over that of equal ones: 1 for a flat histogram, 0 for one full bin. */
  readonly evenness: number;
  /** Kolmogorov and Smirnov's distance to the uniform spread over the bins' range, read from fine bins. */
  readonly ksToUniform: number;
};

/** @param counts of the same fine bins, with or without repeats */
export function flatness({ bins, first, end, binOf }: Flattening, counts: Readonly<Float64Array>): Flatness {
  const total = counts.reduce((sum, images) => sum + images, 0);
  const shares = new Float64Array(bins.length);
  let [below, ksToUniform] = [0, 0];
  for (const [bin, images] of counts.entries()) {
    shares[binOf(bin)]! += images / total;
    below += images / total;
    const uniform = Math.min(1, Math.max(0, (bin + 1 - first) / (end - first)));
    ksToUniform = Math.max(ksToUniform, Math.abs(below - uniform));
  }
  const entropy = shares.reduce((sum, share) => (share === 0 ? sum : sum - share * Math.log(share)), 0);
  return { evenness: bins.length === 1 ? 1 : entropy / Math.log(bins.length), ksToUniform };
}
