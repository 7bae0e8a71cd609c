/** @file How far two spreads of one measure are apart, by their fine bins. */

import type { FineBins } from "./spread.ts";

export type SpreadDistance = {
  /**
   * Kolmogorov and Smirnov's: the largest difference between the shares of both that lie below any one value, 0 for the same spread to
   * 1 for spreads that do not touch. Read at the edges of bins.
   */
  readonly ks: number;
  /**
   * The earth mover's: how far, on average, values would have to be moved to make one spread the other, in the measure's unit. To the
   * width of a bin; what lies beyond the range counts as if at its end.
   */
  readonly moved: number;
};

/** @returns `undefined` when one has no values */
export function spreadDistance(a: FineBins, b: FineBins): SpreadDistance | undefined {
  const [inA, inB] = [total(a), total(b)];
  if (inA === 0 || inB === 0) return undefined;
  const edges = edgesOf(a);
  let [belowA, belowB, ks, moved] = [0, 0, 0, 0];
  for (let bin = 0; bin < a.counts.length; bin++) {
    belowA += a.counts[bin]!;
    belowB += b.counts[bin]!;
    const apart = Math.abs(belowA / inA - belowB / inB);
    ks = Math.max(ks, apart);
    moved += apart * (edges(bin + 1) - edges(bin));
  }
  return { ks, moved };
}

/** The value at which a bin begins. */
export function edgesOf({ from, to, scale, counts }: FineBins): (bin: number) => number {
  const [start, end] = scale === "log" ? [Math.log1p(from), Math.log1p(to)] : [from, to];
  const step = (end - start) / counts.length;
  return (bin) => (scale === "log" ? Math.expm1(start + bin * step) : start + bin * step);
}

function total({ counts }: FineBins): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
