import fc from "fast-check";
import { expect, test } from "vitest";
import { shareOf } from "./share.ts";

// Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3 (score, no continuity correction).
test.each([
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
])("%i of %i is from %f to %f, as published", (right, of, low, high) => {
  const share = shareOf(right, of);
  expect(share.low).toBeCloseTo(low, 4);
  expect(share.high).toBeCloseTo(high, 4);
});

test("bounds are where the score test says 1.96: |p - b| = z sqrt(b (1 - b) / n)", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), fc.nat(), (of, some) => {
      const right = some % (of + 1);
      const p = right / of;
      const { low, high } = shareOf(right, of);
      expect(low).toBeLessThanOrEqual(p);
      expect(high).toBeGreaterThanOrEqual(p);
      for (const bound of [low, high].filter((b) => b > 0 && b < 1)) {
        // Rounding in the difference of two numbers near p.
        expect(Math.abs(p - bound) / Math.sqrt((bound * (1 - bound)) / of)).toBeCloseTo(1.959963984540054, 6);
      }
    }),
  );
});

test("all wrong and all right reach the ends exactly; of nothing, nothing is known", () => {
  expect(shareOf(0, 25).low).toBe(0);
  expect(shareOf(25, 25).high).toBe(1);
  // z² / (n + z²).
  expect(shareOf(0, 25).high).toBeCloseTo(3.841458820694124 / (25 + 3.841458820694124), 12);
  expect(shareOf(0, 0)).toEqual({ right: 0, of: 0, low: 0, high: 1 });
});
