import { expect, test } from "vitest";
import { normalSurvival } from "./normal.ts";

// mpmath with 30 digits: erfc(x / sqrt 2) / 2. The last but one is ln 999, the foot of a logit-normal's last level.
test.each([
  [0, 0.5],
  [0.5, 0.3085375387259869],
  [1, 0.15865525393145705],
  [1.99, 0.02329546775021182],
  [2, 0.02275013194817921],
  [3, 0.001349898031630094],
  [5, 2.866515718791939e-7],
  [10, 7.61985302416053e-24],
  [6.906754778648554, 2.479329924211079e-12],
  [30, 4.906713927148187e-198],
])("P(X > %d)", (x, wanted) => {
  // exp(-x^2 / 2) turns a rounding of x^2 / 2 = 450 into 450 of them.
  expect(Math.abs(normalSurvival(x) / wanted - 1)).toBeLessThan(x > 5 ? 1e-13 : 1e-14);
  expect(normalSurvival(-x)).toBe(1 - normalSurvival(x));
});

test("both formulas agree where they meet, and the ends are 0 and 1", () => {
  expect(normalSurvival(2 - 1e-13) / normalSurvival(2)).toBeCloseTo(1, 11);
  expect([normalSurvival(Number.POSITIVE_INFINITY), normalSurvival(Number.NEGATIVE_INFINITY)]).toEqual([0, 1]);
});
