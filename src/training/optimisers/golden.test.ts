/** @file Optimisers, schedules, averages and clipping against PyTorch, transformers and diffusers: `scripts/goldens/optimisers.py`. */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { clipScale, globalNorm } from "./clipping.ts";
import { type EmaOptions, emaDecay } from "./ema.ts";
import { type LearningRateSchedule, learningRateAt } from "./learning-rate.ts";
import { createOptimiser, type OptimiserOptions } from "./optimiser.ts";

type Tensor = { shape: number[]; start: number[]; gradients: number[][] };
type Case = {
  optimiser: "adamw" | "adafactor";
  options: Record<string, number | boolean>;
  tensor: string;
  learningRate: number;
  after: Record<string, number[]>;
};
type Fixture = {
  tensors: Record<string, Tensor>;
  cases: Case[];
  schedules: (LearningRateSchedule & { rates: number[] })[];
  ema: { options: EmaOptions; decays: number[] }[];
  clipping: { factor: number; norm: number; maxNorm: number; scale: number }[];
};

const path = new URL("../../../test/fixtures/optimisers.json.gz", import.meta.url);
const fixture: Fixture = JSON.parse(gunzipSync(readFileSync(path)).toString("utf8"));

test.each(fixture.cases)("$optimiser $options on a $tensor, 20 steps", (golden) => {
  const { shape, start, gradients } = fixture.tensors[golden.tensor]!;
  const optimiser = createOptimiser({ kind: golden.optimiser, ...golden.options } as OptimiserOptions);
  const slot = optimiser.slot(shape);
  const values = Float32Array.from(start);
  let compared = 0;
  gradients.forEach((gradient, i) => {
    slot.step(values, Float32Array.from(gradient), golden.learningRate);
    const wanted = golden.after[i + 1];
    if (!wanted) return;
    // Theirs is float64 throughout; ours rounds every stored number to 6e-8 of itself, each step anew. A parameter that
    // comes near 0 keeps the error of the size that it had, so errors are held against the mean size, 0.3.
    wanted.forEach((value, k) => {
      expect(Math.abs(values[k]! - value)).toBeLessThan(1e-6 * Math.max(Math.abs(value), 0.3));
    });
    compared++;
  });
  expect(compared).toBe(5);
});

test.each(fixture.schedules)("$kind, $warmupSteps of $totalSteps steps warm-up, is diffusers'", (golden) => {
  golden.rates.forEach((rate, step) => {
    expect(Math.abs(learningRateAt(golden, step) - rate)).toBeLessThan(1e-12 * golden.peak);
  });
});

test.each(fixture.ema)("the decay of a moving average with $options is diffusers'", ({ options, decays }) => {
  expect(decays.length).toBe(40);
  decays.forEach((decay, i) => {
    expect(emaDecay(i + 1, options)).toBeCloseTo(decay, 14);
  });
});

test.each(fixture.clipping)("gradients of norm $norm, clipped to $maxNorm", ({ factor, norm, maxNorm, scale }) => {
  const gradients = Object.values(fixture.tensors).map((t) => Float32Array.from(t.gradients[0]!, (g) => factor * g));
  const found = globalNorm(gradients);
  // The factor 40 is applied in float64 there and rounded to float32 here.
  expect(Math.abs(found / norm - 1)).toBeLessThan(1e-7);
  expect(Math.abs(clipScale(found, maxNorm) / scale - 1)).toBeLessThan(1e-7);
});
