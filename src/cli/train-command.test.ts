/** @file What a run of training shows while it goes on. */

import { expect, test } from "vitest";
import { newPace } from "./train-command.ts";

const step = (n: number, seconds: number, skipped = false) =>
  ({
    ...({ type: "step", step: n, steps: 4000, figures: {}, learningRates: {}, gradientNorm: 1 } as const),
    ...{ loss: 0.9, smoothedLoss: 0.5, pictures: 16, seconds, skipped },
  }) as const;

test("the loss is the log's mean; rate and time left are of the steps after the first one, which opens what it computes with", () => {
  const pace = newPace();
  expect(pace(step(2332, 21))).toBe("step 2332/4000 · loss 0.5000");
  expect(pace(step(2333, 2))).toBe("step 2333/4000 · loss 0.5000 · 8.00 pictures/s · 55:34 left");
  // 32 pictures in 6 s; 1,666 steps of 3 s are left.
  expect(pace(step(2334, 4, true))).toBe(
    "step 2334/4000 · loss 0.5000 · 5.33 pictures/s · 1:23:18 left · gradient not finite, step skipped",
  );
});
