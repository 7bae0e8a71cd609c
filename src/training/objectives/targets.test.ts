import fc from "fast-check";
import { expect, test } from "vitest";
import { predictionFor } from "../../sampling/prediction.ts";
import { discreteTable, flowTable, type NoiseTable } from "../../sampling/tables.ts";
import {
  isTerminal,
  mixtureAt,
  noisedInput,
  snrOf,
  type TrainedPrediction,
  targetOf,
  trainedPredictions,
} from "./targets.ts";

const exact = discreteTable({ zeroSnr: "exact" });
const base = discreteTable();
const tables: Record<TrainedPrediction, NoiseTable> = { eps: base, v: exact, flow: flowTable({ shift: 3 }) };

test("v at level 500 of the zero-SNR schedule, against an independent float64 computation", () => {
  const sigma = exact.sigmas[500]!;
  const { signal, noise } = mixtureAt("v", sigma);
  expect(signal).toBeCloseTo(0.4909366382, 9);
  expect(noise).toBeCloseTo(0.8711952808, 9);
  const [x0, eps] = [Float32Array.of(0.7), Float32Array.of(-1.3)];
  // Float32 numbers: seven digits.
  expect(noisedInput("v", sigma, x0, eps)[0]).toBeCloseTo(-0.7888982682, 6);
  expect(targetOf("v", sigma, x0, eps)[0]).toBeCloseTo(-1.2480543262, 6);
});

test("at zero SNR the input is the noise and v is -x0, exactly; flow is noise - x0", () => {
  const [x0, noise] = [Float32Array.of(0.3, -2), Float32Array.of(1.7, 0.2)];
  expect(noisedInput("v", Number.POSITIVE_INFINITY, x0, noise)).toEqual(noise);
  expect(targetOf("v", Number.POSITIVE_INFINITY, x0, noise)).toEqual(Float32Array.of(-0.3, 2));
  expect(noisedInput("flow", Number.POSITIVE_INFINITY, x0, noise)).toEqual(noise);
  expect(targetOf("flow", Number.POSITIVE_INFINITY, x0, noise)).toEqual(noise.map((n, k) => n - x0[k]!));
});

test.each(trainedPredictions)("a network that gives the %s target makes a sampler see the clean picture", (type) => {
  const table = tables[type];
  const prediction = predictionFor(type, table);
  const value = fc.float({ min: -4, max: 4, noNaN: true });
  const level = fc.integer({ min: 0, max: table.sigmas.length - 1 });
  fc.assert(
    fc.property(value, value, level, (clean, drawn, at) => {
      const sigma = table.sigmas[at]!;
      const [x0, noise] = [Float32Array.of(clean), Float32Array.of(drawn)];
      const input = noisedInput(type, sigma, x0, noise);
      const x = input.map((z) => z / prediction.inputScale(sigma));
      const denoised = prediction.denoised(x, targetOf(type, sigma, x0, noise), sigma);
      // Float32 roundings of numbers up to 4, which eps multiplies by sigma up to 15.
      expect(Math.abs(denoised[0]! - clean)).toBeLessThan(type === "eps" ? 3e-5 : 4e-6);
    }),
  );
});

test("squared errors of x0, eps, v and flow stand in the ratios that the weights rest on", () => {
  for (const sigma of [0.05, 0.6, 1, 3.7, 14, 250]) {
    // Two guesses at x0 from one input are two noises, and so two targets.
    const [x0, guess, noise] = [0.4, -0.25, 0.8];
    const error = (type: TrainedPrediction) => {
      const { signal, noise: share } = mixtureAt(type, sigma);
      const z = signal * x0 + share * noise;
      const outputOf = (x: number) => {
        const eps = (z - signal * x) / share;
        return { eps, v: signal * eps - share * x, flow: eps - x }[type];
      };
      return (outputOf(x0) - outputOf(guess)) ** 2 / (x0 - guess) ** 2;
    };
    const snr = snrOf(sigma);
    expect(error("eps") / snr).toBeCloseTo(1, 10);
    expect(error("v") / (snr + 1)).toBeCloseTo(1, 10);
    expect(error("flow") / (1 + Math.sqrt(snr)) ** 2).toBeCloseTo(1, 10);
  }
});

test("the terminal level is the last of a zero-SNR table, also of one with a stand-in", () => {
  const comfyui = discreteTable({ zeroSnr: "comfyui" });
  expect([exact, comfyui, flowTable(), base].map((table) => isTerminal(table, 999))).toEqual([true, true, true, false]);
  expect(isTerminal(exact, 998)).toBe(false);
});

test("noise of another length is refused", () => {
  expect(() => noisedInput("v", 1, new Float32Array(4), new Float32Array(3))).toThrow("noise of 3 numbers");
  expect(() => targetOf("v", 1, new Float32Array(4), new Float32Array(3))).toThrow("noise of 3 numbers");
});
