/**
 * @file Sums that come out the same in whatever order their values do, to the last bit: a sum is two doubles, the second of them what
 * the first has no room for (Knuth, "The Art of Computer Programming" 2, section 4.2.2, theorem B).
 */

export type ExactSums = {
  /** To the sum numbered `at`. */
  add(at: number, value: number): void;
  of(at: number): number;
};

/** Values are taken as multiples of 2^-60: above 2^-7 all doubles are. Two doubles hold sums of such below 2^46 without any error. */
const PARTS = 2 ** 60;

export function exactSums(count: number): ExactSums {
  const high = new Float64Array(count);
  const low = new Float64Array(count);
  return {
    add(at, value) {
      const given = Math.round(value * PARTS) / PARTS;
      const before = high[at]!;
      const sum = before + given;
      const taken = sum - before;
      const rest = low[at]! + (before - (sum - taken) + (given - taken));
      high[at] = sum + rest;
      low[at] = rest - (high[at]! - sum);
    },
    of: (at) => high[at]!,
  };
}
