/** @file Quantiles of a sample, interpolated between its two nearest members: Hyndman and Fan (1996), type 7, numpy's default. */

/** The value below which each of `shares` (0 to 1) of the sample lies. The sample must not be empty; it stays as it is. */
export function quantiles(sample: Iterable<number>, shares: readonly number[]): number[] {
  const sorted = Float64Array.from(sample).sort();
  return shares.map((share) => {
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below]! + (place - below) * (sorted[above]! - sorted[below]!);
  });
}
