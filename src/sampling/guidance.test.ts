import { expect, test } from "vitest";
import { guidanceScaleAt, guide, guidedDenoise } from "./guidance.ts";
import { type PredictionType, predictionFor } from "./prediction.ts";
import { discreteTable } from "./tables.ts";

const conditional = Float32Array.of(1, -1, 2, 0.5);
const unconditional = Float32Array.of(0.2, 0.1, -0.4, 0.3);
const table = discreteTable();

function expectClose(actual: Float32Array, expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((e, i) => {
    expect(Math.abs(actual[i]! - e)).toBeLessThan(tolerance);
  });
}

test("guidance and its rescale on four numbers computed elsewhere in float64", () => {
  // float32 at magnitude 18: 1e-6; the rescaled golden is printed to five decimals.
  expectClose(guide(conditional, unconditional, { scale: 7.5 }, { batch: 1 }), [6.2, -8.15, 17.6, 1.8], 2e-6);
  const rescaled = guide(conditional, unconditional, { scale: 7.5, rescale: 0.7 }, { batch: 1 });
  expectClose(rescaled, [2.36829, -3.11316, 6.7229, 0.68757], 6e-6);
});

test("each picture of a batch has its own statistics", () => {
  const twice = (a: Float32Array, factor: number) => Float32Array.of(...a, ...a.map((v) => factor * v));
  const options = { scale: 7.5, rescale: 0.7 };
  const alone = guide(conditional, unconditional, options, { batch: 1 });
  const batch = guide(twice(conditional, 30), twice(unconditional, 30), options, { batch: 2 });
  expectClose(batch.subarray(0, 4), [...alone], 1e-6);
  // Thirty times the numbers, thirty times the result and its rounding.
  expectClose(batch.subarray(4), [...alone.map((v) => 30 * v)], 3e-5);
});

test("a full rescale gives the conditional output's spread; a constant one is left alone", () => {
  const spread = (a: Float32Array) => {
    const mean = a.reduce((s, v) => s + v, 0) / a.length;
    return Math.sqrt(a.reduce((s, v) => s + (v - mean) ** 2, 0) / a.length);
  };
  const out = guide(conditional, unconditional, { scale: 9, rescale: 1 }, { batch: 1 });
  expect(spread(out)).toBeCloseTo(spread(conditional), 5);
  const flat = Float32Array.of(2, 2, 2);
  expect(guide(flat, flat, { scale: 9, rescale: 1 }, { batch: 1 })).toEqual(flat);
});

test("guidance without rescale is the same on eps, on v and on clean guesses", () => {
  const sigma = table.sigmas[600]!;
  const x = Float32Array.of(0.4, -2.2, 1.7, 3.1);
  const layout = { batch: 1 };
  const guesses = (["eps", "v"] as PredictionType[]).map((type) => {
    const p = predictionFor(type, table);
    const outputs = [conditional, unconditional].map((d) => p.outputFrom(x, d, sigma)) as [Float32Array, Float32Array];
    return p.denoised(x, guide(...outputs, { scale: 7.5 }, layout), sigma);
  });
  const direct = [...guide(conditional, unconditional, { scale: 7.5 }, layout)];
  for (const guess of guesses) expectClose(guess, direct, 2e-5);
});

test("the rescale belongs to the model's output: on clean guesses it would be another number", () => {
  const sigma = table.sigmas[600]!;
  const x = Float32Array.of(0.4, -2.2, 1.7, 3.1);
  const p = predictionFor("v", table);
  const options = { scale: 7.5, rescale: 0.7 };
  const onV = p.denoised(x, guide(conditional, unconditional, options, { batch: 1 }), sigma);
  const [c, u] = [conditional, unconditional].map((v) => p.denoised(x, v, sigma)) as [Float32Array, Float32Array];
  const onGuess = guide(c, u, options, { batch: 1 });
  expect(Math.max(...onV.map((v, i) => Math.abs(v - onGuess[i]!)))).toBeGreaterThan(0.1);
});

test("the interval is open below and closed above; the terminal is outside unless it ends at Infinity", () => {
  const options = { scale: 16, interval: [0.28, 5.42] } as const;
  const scales = [Number.POSITIVE_INFINITY, 5.43, 5.42, 1, 0.28, 0.1].map((sigma) => guidanceScaleAt(options, sigma));
  expect(scales).toEqual([1, 1, 16, 16, 1, 1]);
  const open = { scale: 16, interval: [0.28, Number.POSITIVE_INFINITY] } as const;
  expect(guidanceScaleAt(open, Number.POSITIVE_INFINITY)).toBe(16);
});

test("the unconditional half is computed only where guidance acts", async () => {
  const asked: boolean[] = [];
  const network = async (_: Float32Array, __: number, both: boolean) => {
    asked.push(both);
    return both ? { conditional, unconditional } : { conditional };
  };
  const p = predictionFor("v", table);
  const x = new Float32Array(4);
  const options = { scale: 3, interval: [1, 5] } as const;
  const denoise = guidedDenoise(p, network, options, { batch: 1 });
  const outside = await denoise(x, 10);
  const inside = await denoise(x, 2);
  await guidedDenoise(p, network, { scale: 1 }, { batch: 1 })(x, 2);
  expect(asked).toEqual([false, true, false]);
  expect(outside).toEqual(p.denoised(x, conditional, 10));
  expect(inside).toEqual(p.denoised(x, guide(conditional, unconditional, options, { batch: 1 }), 2));
});

test.each([
  [{ scale: Number.NaN }, "guidance scale NaN"],
  [{ scale: 5, rescale: 1.5 }, "guidance rescale 1.5"],
  [{ scale: 5, interval: [2, 1] as const }, "guidance interval 2 to 1"],
])("guidance %o is refused", (options, message) => {
  const network = async () => ({ conditional, unconditional });
  expect(() => guidedDenoise(predictionFor("v", table), network, options, { batch: 1 })).toThrow(message);
});

test("pictures that do not divide the numbers are refused", () => {
  expect(() => guide(conditional, unconditional, { scale: 2 }, { batch: 3 })).toThrow("4 and 4 numbers in 3 pictures");
});
