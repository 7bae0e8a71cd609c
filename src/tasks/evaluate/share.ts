/** @file Shares, and how far off they may be. */

export type Share = {
  readonly right: number;
  readonly of: number;
  /** Bounds of the 95 % confidence interval, 0 to 1. */
  readonly low: number;
  readonly high: number;
};

/** Of the standard normal distribution, 97.5 % lie below. */
const Z = 1.959963984540054;

/**
 * A share with its 95 % interval: Wilson (1927), "Probable inference, the law of succession, and statistical inference", without
 * continuity correction. Of no pictures at all it is from 0 to 1.
 */
export function shareOf(right: number, of: number): Share {
  if (of === 0) return { right, of, low: 0, high: 1 };
  const p = right / of;
  const square = Z * Z;
  const middle = p + square / (2 * of);
  const reach = Z * Math.sqrt((p * (1 - p)) / of + square / (4 * of * of));
  const scale = 1 + square / of;
  // Exactly 0 and 1 where all are wrong or right, which rounding misses by an ulp.
  return {
    right,
    of,
    low: right === 0 ? 0 : (middle - reach) / scale,
    high: right === of ? 1 : (middle + reach) / scale,
  };
}
