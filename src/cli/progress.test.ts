/** @file The progress line against arithmetic by hand, and on narrow terminals. */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { GenerateEvent } from "../tasks/generate-events.ts";
import { advance, type Progress, progressLine, secondsLeft, startProgress } from "./progress.ts";
import { duration, fileSize, stepRate } from "./quantities.ts";
import { displayWidth } from "./terminal-text.ts";

/** Two pictures of four steps, each of `seconds`, as far as `done`. */
function after(done: number, seconds: number): { progress: Progress; now: number } {
  let progress = startProgress(0);
  progress = advance(progress, { type: "stage", stage: "open", message: "opening x" }, 0);
  // Ten seconds to open, which is no measure for the steps.
  let now = 10_000;
  for (let k = 1; k <= done; k++) {
    now += seconds * 1000;
    progress = advance(progress, step(k, seconds), now);
  }
  return { progress, now };
}

function step(done: number, seconds: number): GenerateEvent {
  const batch = Math.floor((done - 1) / 4);
  return { type: "step", batch, batches: 2, step: done - 4 * batch, steps: 4, done, total: 8, sigma: 1, seconds };
}

test("before the first step: what is being done, and for how long", () => {
  const { progress } = after(0, 1);
  expect(progressLine(progress, 65_000, 80)).toBe("opening x · 1:05");
  expect(secondsLeft(progress, 65_000)).toBeUndefined();
});

test("steps: place, rate, elapsed, left over all pictures", () => {
  const { progress, now } = after(2, 3);
  expect(progressLine(progress, now, 80)).toBe("▕█████               ▏ 1/2 · step 2/4 · 3.0 s/step · 0:16 · 0:18 left");
  // The clock runs on while a step is under way.
  expect(progressLine(progress, now + 2000, 80)).toMatch(/0:18 · 0:16 left$/);
  const second = after(6, 0.125);
  expect(progressLine(second.progress, second.now, 80)).toBe(
    "▕███████████████     ▏ 2/2 · step 2/4 · 8.0 steps/s · 0:11 · 0:00 left",
  );
  const end = after(8, 3);
  expect(progressLine(end.progress, end.now, 80)).toBe("▕████████████████████▏ 2/2 · step 4/4 · 3.0 s/step · 0:34");
});

test("a stage between steps takes the step's place until the next", () => {
  const { progress, now } = after(4, 3);
  const decoding = advance(progress, { type: "stage", stage: "decode", message: "decoding" }, now);
  expect(progressLine(decoding, now, 80)).toContain("1/2 · decoding · 3.0 s/step");
  expect(progressLine(advance(decoding, step(5, 3), now), now, 80)).toContain("2/2 · step 1/4");
});

test("another run starts its estimate anew", () => {
  const { progress, now } = after(8, 60);
  const settings = { type: "settings", settings: {}, memoryBytes: 0 } as unknown as GenerateEvent;
  const next = advance(advance(progress, settings, now), step(1, 2), now + 2000);
  expect(secondsLeft(next, now + 2000)).toBe(14);
});

test("the rate follows the newest steps, the time left all of them", () => {
  let { progress, now } = after(4, 10);
  for (let k = 5; k <= 7; k++) {
    now += 1000;
    progress = advance(progress, step(k, 1), now);
  }
  // 0.7³ of the old rate is left.
  expect(progress.secondsPerStep).toBeCloseTo(1 + 9 * 0.7 ** 3, 10);
  expect(secondsLeft(progress, now)).toBeCloseTo(43 / 7, 10);
});

test("no width is exceeded, and what matters most goes last", () => {
  const { progress, now } = after(3, 3);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 120 }), (columns) => {
      expect(displayWidth(progressLine(progress, now, columns))).toBeLessThanOrEqual(columns);
    }),
  );
  const lines = [50, 34, 24, 18, 8].map((columns) => progressLine(progress, now, columns));
  expect(lines).toEqual([
    "1/2 · step 3/4 · 3.0 s/step · 0:19 · 0:15 left",
    "1/2 · step 3/4 · 0:19 · 0:15 left",
    "step 3/4 · 0:15 left",
    "step 3/4",
    "step 3/4",
  ]);
});

test("durations, rates and sizes at the turns of their units", () => {
  expect([0, 0.4, 59.6, 60, 3599.4, 3600, 36_061].map(duration)).toEqual([
    "0:00",
    "0:00",
    "1:00",
    "1:00",
    "59:59",
    "1:00:00",
    "10:01:01",
  ]);
  expect([0.0005, 0.5, 1, 99.94, 100, 479].map(stepRate)).toEqual([
    "2000 steps/s",
    "2.0 steps/s",
    "1.0 s/step",
    "99.9 s/step",
    "100 s/step",
    "479 s/step",
  ]);
  expect([0, 999, 1000, 999_499, 999_500, 6_938_041_176].map(fileSize)).toEqual([
    "0 B",
    "999 B",
    "1.00 kB",
    "999 kB",
    "1.00 MB",
    "6.94 GB",
  ]);
});
