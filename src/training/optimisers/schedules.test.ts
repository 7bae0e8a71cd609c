/** @file Learning rates, averages and clipping at their ends, where the libraries' goldens do not reach. */

import { expect, test } from "vitest";
import { clipScale, globalNorm } from "./clipping.ts";
import { emaDecay, emaStep } from "./ema.ts";
import { checkLearningRate, type LearningRateSchedule, learningRateAt } from "./learning-rate.ts";

test("after the last step a schedule stays where it ended", () => {
  const at = (kind: LearningRateSchedule["kind"]) => learningRateAt({ kind, peak: 1, totalSteps: 10, cycles: 2 }, 25);
  expect((["constant", "linear", "cosine", "cosine_with_restarts", "polynomial"] as const).map(at)).toEqual([
    1, 0, 0, 0, 1e-7,
  ]);
});

test.each<[LearningRateSchedule, string]>([
  [{ kind: "cosine", peak: 1e-4 }, "learning rate cosine over 0 steps"],
  [{ kind: "linear", peak: 1e-4, totalSteps: 10, warmupSteps: 10 }, "over 10 steps, 10 of them warm-up"],
  [{ kind: "constant", peak: 1e-4, warmupSteps: 5 }, "constant learning rate with 5 steps of warm-up"],
  [{ kind: "constant", peak: Number.NaN }, "learning rate NaN"],
  [{ kind: "constant_with_warmup", peak: 1, warmupSteps: -1 }, "warm-up of -1 steps"],
  [{ kind: "cosine_with_restarts", peak: 1, totalSteps: 5, cycles: 1.5 }, "1.5 cycles"],
])("%j is refused by value", (schedule, message) => {
  expect(() => checkLearningRate(schedule)).toThrow(message);
});

test("a sound schedule is not refused", () => {
  expect(() => checkLearningRate({ kind: "cosine", peak: 1e-4, totalSteps: 100, warmupSteps: 10 })).not.toThrow();
});

test("an average begins at the parameters and then follows them by 1 - decay", () => {
  const average = Float32Array.of(9, 9);
  emaStep(average, Float32Array.of(1, -2), emaDecay(1, { decay: 0.99 }));
  expect([...average]).toEqual([1, -2]);
  emaStep(average, Float32Array.of(2, -2), 0.75);
  expect([...average]).toEqual([1.25, -2]);
  expect([emaDecay(2, { decay: 0.99, warmup: "none" }), emaDecay(2, { decay: 0.99 })]).toEqual([0.99, 2 / 11]);
});

test("the norm is that of all gradients together, of odd and of even length", () => {
  expect(globalNorm([Float32Array.of(2), Float32Array.of(3, 6), Float32Array.of(0, 0, 24)])).toBe(25);
  expect(globalNorm([])).toBe(0);
});

test("no clipping at 0, and no step from a gradient that is not finite", () => {
  expect(clipScale(1e9, 0)).toBe(1);
  expect(clipScale(0.5, 1)).toBe(1);
  expect(clipScale(globalNorm([Float32Array.of(1, Number.NaN)]), 1)).toBeNaN();
  expect(clipScale(Number.POSITIVE_INFINITY, 1)).toBeNaN();
});
