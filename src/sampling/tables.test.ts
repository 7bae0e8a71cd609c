import { expect, test } from "vitest";
import { alphaBars, betas, discreteTable, edmTable, FINITE_TERMINAL, flowTable, rescaleToZeroSnr } from "./tables.ts";

const base = discreteTable();
const exact = discreteTable({ zeroSnr: "exact" });

test("SDXL's levels, plain and rescaled, against an independent float64 computation", () => {
  // t, alpha-bar and sigma of the base schedule, the same of the rescaled one; printed to eight digits.
  const golden = [
    [0, 0.99915, 0.029167, 0.99915, 0.029167],
    [10, 0.99043131, 0.098291, 0.98979373, 0.101546],
    [100, 0.89422348, 0.343931, 0.88676128, 0.35735],
    [500, 0.27633268, 1.618279, 0.24101878, 1.774557],
    [900, 0.01415114, 8.346597, 0.00296039, 18.351919],
    [990, 0.00519164, 13.842598, 1.65304e-5, 245.954562],
    [998, 0.0047167, 14.526276, 1.967888e-7, 2254.237978],
  ] as const;
  const plain = alphaBars(betas());
  const rescaled = rescaleToZeroSnr(plain);
  for (const [t, alphaBase, sigmaBase, alphaZero, sigmaZero] of golden) {
    expect(Math.abs(plain[t]! - alphaBase)).toBeLessThan(1e-7);
    expect(Math.abs(rescaled[t]! - alphaZero)).toBeLessThan(1e-7);
    // Six decimals are printed, of which the last is rounded.
    expect(Math.abs(base.sigmas[t]! - sigmaBase)).toBeLessThan(6e-7);
    expect(Math.abs(exact.sigmas[t]! - sigmaZero)).toBeLessThan(6e-7);
  }
  expect(Math.abs(base.sigmas[999]! - 14.614641)).toBeLessThan(6e-7);
  expect(exact.sigmas[999]).toBe(Number.POSITIVE_INFINITY);
});

test("the betas of a rescaled schedule end in 0.557575, 0.751137, 1", () => {
  const rescaled = rescaleToZeroSnr(alphaBars(betas()));
  const beta = [997, 998, 999].map((t) => 1 - rescaled[t]! / rescaled[t - 1]!);
  [0.557575, 0.751137, 1].forEach((b, i) => {
    expect(Math.abs(beta[i]! - b)).toBeLessThan(6e-7);
  });
});

test("the stand-ins for an infinite sigma are the programs' own numbers", () => {
  expect(Math.abs(discreteTable({ zeroSnr: "comfyui" }).sigmas[999]! - 4518.7637)).toBeLessThan(6e-5);
  expect(discreteTable({ zeroSnr: "comfyui" }).sigmas[999]).toBe(FINITE_TERMINAL);
  expect(Math.abs(discreteTable({ zeroSnr: "diffusers" }).sigmas[999]! - 4095.99988)).toBeLessThan(6e-6);
});

test.each([
  ["base", base],
  ["exact", exact],
  ["comfyui", discreteTable({ zeroSnr: "comfyui" })],
  ["shifted", discreteTable({ zeroSnr: "exact", shift: 0.125 })],
] as const)("time and sigma are inverse at and between the levels of the %s table", (_, table) => {
  for (let t = 0; t < 1000; t++) expect(table.timestep(table.sigmas[t]!)).toBe(t);
  for (let t = 0.25; t < 999; t += 0.25) {
    // A double's 1e-16, times the 1e3 of a time and the conditioning of ln near sigma 0.03.
    expect(Math.abs(table.timestep(table.sigmaAt(t)) - t)).toBeLessThan(1e-10);
  }
});

test("between levels, sigma lies on the line in ln(sigma); beyond the ends, times stop", () => {
  expect(base.sigmaAt(500.5)).toBeCloseTo(Math.sqrt(base.sigmas[500]! * base.sigmas[501]!), 12);
  expect([base.timestep(1e-9), base.timestep(1e9), exact.timestep(1e9) < 999]).toEqual([0, 999, true]);
  const nearest = discreteTable({ rounding: "nearest" });
  expect([nearest.timestep(base.sigmaAt(500.4)), nearest.timestep(base.sigmaAt(500.6))]).toEqual([500, 501]);
});

test("half a level before the end of the exact table is where ComfyUI's stand-in lies", () => {
  // "Half a step before zero": 4508 against 4518, a quarter of a percent.
  expect(exact.sigmaAt(998.5) / FINITE_TERMINAL).toBeCloseTo(1, 2);
});

test("a shift is a factor on sigma, and 2 ln(shift) less log-SNR", () => {
  const shifted = discreteTable({ shift: 2 });
  const plain = alphaBars(betas());
  for (const t of [0, 250, 500, 999]) {
    expect(shifted.sigmas[t]).toBe(2 * base.sigmas[t]!);
    const logit = Math.log(plain[t]! / (1 - plain[t]!)) - 2 * Math.log(2);
    expect(shifted.sigmas[t]! ** -2).toBeCloseTo(Math.exp(logit), 10);
  }
});

test("flow: time s is sigma / (1 + sigma), 1 is Infinity, and the shift is Esser et al.'s", () => {
  const table = flowTable({ shift: 3 });
  expect(table.sigmas[999]).toBe(Number.POSITIVE_INFINITY);
  for (const t of [1, 250, 500, 1000]) {
    const s = t / 1000;
    // Times are up to 1000: ten digits.
    expect(table.timestep(table.sigmaAt(t))).toBeCloseTo((1000 * 3 * s) / (1 + 2 * s), 9);
  }
});

test("EDM: sigma from 0.002 to 120, told as ln(sigma) / 4", () => {
  const table = edmTable();
  expect([table.sigmas[0], table.sigmas[999]]).toEqual([0.002, 120]);
  expect(table.timestep(120)).toBeCloseTo(1.19687, 5);
  expect(table.sigmaAt(table.timestep(3.7))).toBeCloseTo(3.7, 12);
});

test("the cosine's levels are what is left by its own formula, up to the level where it is capped", () => {
  const { sigmas } = discreteTable({ betaCurve: "squaredcos_cap_v2" });
  const angle = (level: number) => (((level / 1000 + 0.008) / 1.008) * Math.PI) / 2;
  const left = (level: number) => (Math.cos(angle(level)) / Math.cos(angle(0))) ** 2;
  for (const level of [0, 1, 250, 500, 900, 998]) {
    const bar = left(level + 1);
    expect(sigmas[level]! / Math.sqrt((1 - bar) / bar)).toBeCloseTo(1, 9);
  }
  const bar = left(999) * (1 - 0.999);
  expect(sigmas[999]! / Math.sqrt((1 - bar) / bar)).toBeCloseTo(1, 9);
});

test("a shift that is no factor and an empty sigma range are refused", () => {
  expect(() => discreteTable({ shift: 0 })).toThrow("schedule shift 0");
  expect(() => edmTable({ sigmaMin: 2, sigmaMax: 1 })).toThrow("sigma range 2 to 1");
});
