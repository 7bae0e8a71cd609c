/** @file Repeats that flatten a histogram, for spreads of any shape. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { flatness, flattening, wholeRepeats } from "./flatten.ts";
import { type Scale, spreadCounter } from "./spread.ts";

const VALUES = fc.array(fc.double({ min: 0, max: 255, noNaN: true }), { minLength: 1, maxLength: 300 });

function repeated(values: readonly number[], most: number, wanted: number, scale: Scale = "linear") {
  const before = spreadCounter(0, 255, scale);
  for (const value of values) before.add(value);
  const flat = flattening(before, most, wanted);
  const repeatsOf = wholeRepeats(flat);
  const repeats = values.map((value) => repeatsOf(before.fine.binOf(value)));
  const after = spreadCounter(0, 255, scale);
  for (const [i, value] of values.entries()) after.add(value, repeats[i]);
  return { flat, repeats, before, after };
}

test.each(["linear", "log"] as const)(
  "none is dropped, none above the limit, each bin as often as it should be: %s",
  (scale) => {
    fc.assert(
      fc.property(VALUES, fc.integer({ min: 2, max: 9 }), fc.integer({ min: 2, max: 40 }), (values, most, wanted) => {
        const { flat, repeats, before } = repeated(values, most, wanted, scale);
        expect(Math.min(...repeats)).toBeGreaterThanOrEqual(1);
        expect(Math.max(...repeats)).toBeLessThanOrEqual(most);
        expect(flat.bins.reduce((sum, bin) => sum + bin.before, 0)).toBe(values.length);
        for (const [i, bin] of flat.bins.entries()) {
          const its = values.flatMap((value, k) => (flat.binOf(before.fine.binOf(value)) === i ? repeats[k]! : []));
          expect(its.length).toBe(bin.before);
          expect(Math.abs(its.reduce((a, b) => a + b, 0) - bin.before * bin.factor)).toBeLessThanOrEqual(0.5 + 1e-6);
        }
      }),
    );
  },
);

test("a bell becomes flat where the limit allows it, by entropy and by the distance to uniform values", () => {
  // Sums of four: a bell between 0 and 255, its ends rare.
  const values = Array.from({ length: 20_000 }, (_, i) => {
    const parts = [7, 11, 13, 17].map((prime) => (i * Math.sqrt(prime)) % 1);
    return (255 * parts.reduce((a, b) => a + b, 0)) / 4;
  });
  const { flat, before, after } = repeated(values, 1000, 20);
  const [was, is] = [flatness(flat, before.fine.counts), flatness(flat, after.fine.counts)];
  expect(is.evenness).toBeGreaterThan(0.9999);
  // Within a bin values stay where they are, and a hundredth lies beyond the range at each end.
  expect(is.ksToUniform).toBeLessThan(0.03);
  // The distance by the values themselves, against the uniform distribution over the same range.
  const [from, to] = [flat.bins[0]!.from, flat.bins.at(-1)!.to];
  const sorted = [...values].sort((a, b) => a - b);
  const uniform = (value: number) => Math.min(1, Math.max(0, (value - from) / (to - from)));
  const ks = Math.max(...sorted.map((value, i) => Math.abs((i + 1) / sorted.length - uniform(value))));
  expect(was.ksToUniform).toBeCloseTo(ks, 2);
  expect(was.evenness).toBeLessThan(0.97);
  // A lower limit flattens less.
  const limited = repeated(values, 3, 20);
  const some = flatness(limited.flat, limited.after.fine.counts);
  expect(some.evenness).toBeLessThan(is.evenness);
  expect(some.evenness).toBeGreaterThan(was.evenness);
});

test("equal values have nothing to flatten", () => {
  const { flat, repeats, after } = repeated([7, 7, 7], 8, 20);
  expect([flat.bins.length, repeats]).toEqual([1, [1, 1, 1]]);
  expect(flatness(flat, after.fine.counts).evenness).toBe(1);
});
