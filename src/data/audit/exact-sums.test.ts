/** @file Sums against whole numbers of any length. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { exactSums } from "./exact-sums.ts";

const STEP = 2n ** 60n;

/** A double's 2^60-fold, which is whole where the double is a multiple of 2^-60. */
const whole = (value: number): bigint => BigInt(Math.round(value * 2 ** 60));

test("a sum is the exact one, rounded once, whatever the values", () => {
  const value = fc.oneof(
    fc.double({ min: -(2 ** 22), max: 2 ** 22, noNaN: true }),
    fc.double({ min: -1e-3, max: 1e-3, noNaN: true }),
    fc.constantFrom(0.1, 1e-300, 4e6, -4e6, 2 ** -60, 255 / 3),
  );
  fc.assert(
    fc.property(fc.array(value, { maxLength: 200 }), (values) => {
      const sums = exactSums(2);
      for (const one of values) sums.add(1, one);
      const exact = values.reduce((sum, one) => sum + whole(one), 0n);
      expect(sums.of(1)).toBe(Number(exact) / Number(STEP));
      expect(sums.of(0)).toBe(0);
    }),
  );
});

test("a million tenths", () => {
  const sums = exactSums(1);
  for (let i = 0; i < 1e6; i++) sums.add(0, 0.1);
  expect(sums.of(0)).toBe(Number(1_000_000n * whole(0.1)) / Number(STEP));
});
