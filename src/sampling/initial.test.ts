import { expect, test } from "vitest";
import { torchGenerator } from "../base/random/torch.ts";
import { initialLatents, noisedLatents } from "./initial.ts";
import { networkInput, type PredictionType, predictionFor } from "./prediction.ts";
import { discreteTable, edmTable, flowTable, type NoiseTable } from "./tables.ts";

const noise = torchGenerator(0).randn(64);

test.each([
  ["eps", discreteTable()],
  ["v", discreteTable({ zeroSnr: "exact" })],
  ["v", discreteTable({ zeroSnr: "comfyui" })],
  ["flow", flowTable()],
  ["edm_v", edmTable()],
] as [PredictionType, NoiseTable][])("%s: the network's first input is the noise", (type, table) => {
  const sigma = table.sigmas.at(-1)!;
  const input = networkInput(predictionFor(type, table), initialLatents(noise, sigma), sigma);
  // Two roundings of float32.
  input.forEach((v, k) => {
    expect(Math.abs(v - noise[k]!)).toBeLessThan(2e-7 * (1 + Math.abs(noise[k]!)));
  });
});

test("the other convention is sigma times the noise, 0.23 % weaker at SDXL's largest", () => {
  const sigma = discreteTable().sigmas[999]!;
  const ratio = initialLatents(noise, sigma, "sigma")[0]! / initialLatents(noise, sigma)[0]!;
  expect(1 - ratio).toBeCloseTo(0.00233, 5);
});

test("at the exact terminal both are the noise, and a picture is gone", () => {
  expect(initialLatents(noise, Number.POSITIVE_INFINITY)).toBe(noise);
  expect(initialLatents(noise, Number.POSITIVE_INFINITY, "sigma")).toBe(noise);
  expect(
    noisedLatents(
      noise.map(() => 7),
      noise,
      Number.POSITIVE_INFINITY,
    ),
  ).toEqual(noise);
});

test("a picture at a level is itself plus sigma times the noise", () => {
  expect(noisedLatents(Float32Array.of(1, -2), Float32Array.of(0.5, 0.25), 4)).toEqual(Float32Array.of(3, -1));
  expect(() => noisedLatents(noise, Float32Array.of(1), 4)).toThrow("noise has 1 numbers and the latents 64");
});
