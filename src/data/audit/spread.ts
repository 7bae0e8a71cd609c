/**
 * @file How values are spread, in memory that does not grow with their number: fine bins, from which quantiles are read. The order of
 * values makes no difference.
 */

import { exactSums } from "./exact-sums.ts";

export type Spread = {
  readonly count: number;
  readonly least: number;
  readonly mean: number;
  readonly most: number;
  /** By per cent. To a four-thousandth of the histogram's range, or of its logarithm; of values beyond it, their mean. */
  readonly quantiles: Readonly<Record<(typeof PERCENTS)[number], number>>;
  /** Counts of bins of equal width, or of equal ratio behind 1, from `from` to `to`; the outer ones also have what is beyond. */
  readonly histogram: {
    readonly from: number;
    readonly to: number;
    readonly scale: Scale;
    readonly counts: readonly number[];
  };
};

export type Scale = "linear" | "log";

export type SpreadCounter = {
  /** @param times as if it were so many values */
  add(value: number, times?: number): void;
  readonly fine: FineBins;
  /** The value below which this share (0 to 1) of the values lies; `undefined` for no values. */
  quantile(share: number): number | undefined;
  /** `undefined` for no values. */
  result(): Spread | undefined;
};

/** Counts of values in bins of equal width, or of equal ratio behind 1; the outer ones also have what is beyond. */
export type FineBins = {
  readonly from: number;
  readonly to: number;
  readonly scale: Scale;
  readonly counts: Float64Array;
  /** The bin that a value is counted in. */
  binOf(value: number): number;
};

const PERCENTS = [1, 5, 25, 50, 75, 95, 99] as const;

const BINS = 20;
export const FINE = 200 * BINS;

/** Without values. @param scale `log` is that of 1 + value, for values that may be 0 and are mostly small */
export function fineBins(from: number, to: number, scale: Scale = "linear"): FineBins {
  const place = scale === "log" ? Math.log1p : (value: number) => value;
  const start = place(from);
  const step = (place(to) - start) / FINE;
  const binOf = (value: number) => Math.min(FINE - 1, Math.max(0, Math.floor((place(value) - start) / step)));
  return { from, to, scale, counts: new Float64Array(FINE), binOf };
}

/** Arguments as `fineBins`. */
export function spreadCounter(from: number, to: number, scale: Scale = "linear"): SpreadCounter {
  const bins = fineBins(from, to, scale);
  const { counts: fine, binOf } = bins;
  // A sum a bin, and that of all.
  const sums = exactSums(FINE + 1);
  let count = 0;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;

  /** Between the two nearest values, as `quantiles` of `src/colour` has it. */
  function quantile(share: number): number {
    const at = share * (count - 1);
    const below = valueAt(Math.floor(at));
    const above = valueAt(Math.ceil(at));
    return Math.min(above, below + (at - Math.floor(at)) * (above - below));
  }

  /** @param place from 0, in rising order */
  function valueAt(place: number): number {
    let upTo = fine[0]!;
    let bin = 0;
    while (bin < FINE - 1 && upTo <= place) upTo += fine[++bin]!;
    // The mean of those in it, so that values which are all the same come back as they are.
    const mean = fine[bin] === 0 ? least : sums.of(bin) / fine[bin]!;
    return Math.min(most, Math.max(least, mean));
  }

  return {
    fine: bins,
    quantile: (share) => (count === 0 ? undefined : quantile(share)),
    add(given, times = 1) {
      count += times;
      least = Math.min(least, given);
      most = Math.max(most, given);
      const bin = binOf(given);
      fine[bin]! += times;
      sums.add(bin, times * given);
      sums.add(FINE, times * given);
    },
    result() {
      if (count === 0) return undefined;
      const counts = Array.from({ length: BINS }, (_, bin) =>
        fine.subarray((bin * FINE) / BINS, ((bin + 1) * FINE) / BINS).reduce((a, b) => a + b, 0),
      );
      const read = PERCENTS.map((percent) => [percent, quantile(percent / 100)]);
      const quantiles = Object.fromEntries(read) as Spread["quantiles"];
      return { count, least, mean: sums.of(FINE) / count, most, quantiles, histogram: { from, to, scale, counts } };
    },
  };
}
