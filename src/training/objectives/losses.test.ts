import { expect, test } from "vitest";
import { checkLoss, huberThreshold, type LossKind, lossOf, lossSlope } from "./losses.ts";

const kinds: LossKind[] = ["l2", "l1", "huber", "smooth_l1"];

test.each([
  [3, 4, 2 * 4 * (5 - 4)],
  [-5, 12, 2 * 12 * (13 - 12)],
  [0.75, 1, 2 * 1 * (1.25 - 1)],
])("huber of error %d at threshold %d is 2 c (sqrt(e^2 + c^2) - c)", (error, threshold, wanted) => {
  expect(lossOf("huber", error, threshold)).toBeCloseTo(wanted, 12);
  expect(lossOf("smooth_l1", error, threshold)).toBeCloseTo(wanted / threshold, 12);
});

test("huber is the squared error below the threshold, smooth_l1 twice the absolute one above it", () => {
  expect(lossOf("huber", 1e-9, 0.1) / 1e-18).toBeCloseTo(1, 12);
  expect(lossOf("smooth_l1", 1e6, 0.1) / 2e6).toBeCloseTo(1, 6);
});

test.each(kinds)("the slope of %s is its central difference", (kind) => {
  for (const error of [-2.5, -0.3, 0.02, 0.9, 7]) {
    const h = 1e-5 * Math.abs(error);
    const difference = (lossOf(kind, error + h, 0.4) - lossOf(kind, error - h, 0.4)) / (2 * h);
    // The difference is off by h^2 / 6 of the third derivative and by 1e-16 / h of rounding: 1e-9 of either.
    expect(Math.abs(lossSlope(kind, error, 0.4) - difference)).toBeLessThan(1e-8 * (1 + Math.abs(difference)));
  }
});

test("the thresholds of kohya's schedules", () => {
  const at = (schedule: "constant" | "exponential" | "snr", time: number, sigma: number) =>
    huberThreshold({ kind: "huber", threshold: 0.1, schedule }, time, sigma, 1000);
  expect([at("constant", 0, 0), at("constant", 999, 15)]).toEqual([0.1, 0.1]);
  // exp(ln(0.1) t / 1000)
  expect([at("exponential", 0, 0), at("exponential", 500, 0)]).toEqual([1, Math.sqrt(0.1)]);
  // 0.9 / (1 + sigma)^2 + 0.1
  expect([at("snr", 0, 0), at("snr", 0, 2), at("snr", 999, Number.POSITIVE_INFINITY)]).toEqual([1, 0.2, 0.1]);
  expect(huberThreshold({ kind: "huber", threshold: 0.5, schedule: "constant", scale: 3 }, 0, 0, 1000)).toBe(1.5);
});

test("a threshold that is none is refused", () => {
  expect(() => checkLoss({ kind: "huber", threshold: 0 })).toThrow("threshold 0");
  expect(() => checkLoss({ kind: "huber", scale: -1 })).toThrow("scale -1");
});
