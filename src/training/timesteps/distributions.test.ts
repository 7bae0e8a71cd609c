import { expect, test } from "vitest";
import { discreteTable } from "../../sampling/tables.ts";
import { snrOf } from "../objectives/targets.ts";
import { distributionOf, inverse, type TimestepDistribution } from "./distributions.ts";

const logSnrsOf = (zeroSnr: false | "exact") =>
  discreteTable({ zeroSnr }).sigmas.map((sigma) => Math.log(snrOf(sigma)));
const base = logSnrsOf(false);
const exact = logSnrsOf("exact");

const shapes: TimestepDistribution[] = [
  { kind: "uniform" },
  { kind: "logit_normal" },
  { kind: "logit_normal", mean: -0.5, deviation: 0.6 },
  { kind: "mode", scale: 1.29 },
  { kind: "mode", scale: -1 },
  { kind: "mode", scale: 2 / (Math.PI - 2) },
  { kind: "cosmap" },
  { kind: "beta", a: 2, b: 0.8 },
  { kind: "laplace", mu: 0, b: 1 },
  { kind: "laplace", mu: -1, b: 0.5, measure: "log_snr" },
  { kind: "table", weights: base.map((_, i) => (i % 7) + 0.5) },
];

test.each(shapes)("$kind: both sides add to 1, and the quantile is the inverse", (shape) => {
  const { cdf, survival, quantile } = distributionOf(shape, base);
  // Where mode's map is level, at an end for scale -1, its inverse knows the root of a double's digits: 1e-8.
  [cdf(0), survival(1), 1 - cdf(1), 1 - survival(0)].forEach((end) => {
    expect(Math.abs(end)).toBeLessThan(1e-8);
  });
  for (let i = 1; i < 200; i++) {
    expect(cdf(i / 200) + survival(i / 200)).toBeCloseTo(1, 12);
    // Either way round: a density of nearly 0 or of nearly infinity makes one of the two blind, never both.
    const there = Math.abs(cdf(quantile(i / 200)) - i / 200);
    const back = Math.abs(quantile(cdf(i / 200)) - i / 200);
    expect(Math.min(there, back)).toBeLessThan(1e-10);
  }
});

/** Densities as the paper writes them (Esser et al. 2024, section 3.1). */
const densities: [string, TimestepDistribution, (u: number) => number][] = [
  [
    "logit-normal",
    { kind: "logit_normal", mean: 0.5, deviation: 0.6 },
    (u) => Math.exp(-((Math.log(u / (1 - u)) - 0.5) ** 2) / (2 * 0.36)) / (0.6 * Math.sqrt(2 * Math.PI) * u * (1 - u)),
  ],
  ["cosmap", { kind: "cosmap" }, (u) => 2 / (Math.PI - 2 * Math.PI * u + 2 * Math.PI * u * u)],
  // Beta(2, 3): 12 u (1 - u)^2.
  ["beta", { kind: "beta", a: 2, b: 3 }, (u) => 12 * u * (1 - u) ** 2],
];

test.each(densities)("%s has the density of its formula", (_, shape, density) => {
  const { cdf } = distributionOf(shape, base);
  const h = 1e-5;
  for (const u of [0.02, 0.2, 0.5, 0.7, 0.97]) {
    // A central difference: h^2 of the third derivative, below 1e-6 of densities of the order of 1.
    expect(Math.abs((cdf(u + h) - cdf(u - h)) / (2 * h) - density(u))).toBeLessThan(1e-6);
  }
});

test("quantiles of mode and cosmap, computed independently", () => {
  const mode = distributionOf({ kind: "mode", scale: 1.29 }, base).quantile;
  const cosmap = distributionOf({ kind: "cosmap" }, base).quantile;
  // The paper writes mode for a u that falls with noise: its map at r is our quantile at 1 - r.
  const printed = [0.802569, 0.616416, 0.5, 0.383584, 0.197431];
  [0.1, 0.25, 0.5, 0.75, 0.9].forEach((r, i) => {
    expect(Math.abs(mode(1 - r) - printed[i]!)).toBeLessThan(6e-7);
  });
  [0.136729, 0.292893, 0.5].forEach((u, i) => {
    expect(Math.abs(cosmap([0.1, 0.25, 0.5][i]!) - u)).toBeLessThan(6e-7);
  });
});

test("beta(a, 1) is a uniform's root", () => {
  const { quantile } = distributionOf({ kind: "beta", a: 2.5, b: 1 }, base);
  for (const p of [0.01, 0.3, 0.9]) expect(quantile(p)).toBeCloseTo(p ** (1 / 2.5), 12);
});

test("Laplace as the forks have it: each level weighs by the density at its own ln SNR", () => {
  const { cdf } = distributionOf({ kind: "laplace", mu: 1, b: 2 }, exact);
  const mass = (level: number) => cdf((level + 1) / 1000) - cdf(level / 1000);
  const density = (level: number) => Math.exp(-Math.abs(exact[level]! - 1) / 2);
  for (const level of [3, 250, 700, 998]) {
    // A difference of two sums of up to 1000 roundings, against masses down to 1e-6.
    expect(mass(level) / mass(400) / (density(level) / density(400))).toBeCloseTo(1, 8);
  }
  expect(mass(999)).toBe(0);
});

test("Laplace as the paper has it: ln SNR itself, cut off at the ends of the table", () => {
  const { cdf } = distributionOf({ kind: "laplace", mu: 0.3, b: 0.7, measure: "log_snr" }, base);
  const below = (x: number) => (x < 0.3 ? 0.5 * Math.exp((x - 0.3) / 0.7) : 1 - 0.5 * Math.exp((0.3 - x) / 0.7));
  const total = below(base[0]!) - below(base[999]!);
  for (const level of [1, 100, 500, 900, 998]) {
    expect(cdf((level + 0.5) / 1000)).toBeCloseTo((below(base[0]!) - below(base[level]!)) / total, 12);
  }
});

test.each<[TimestepDistribution, string]>([
  [{ kind: "logit_normal", deviation: 0 }, "timesteps logit_normal: mean 0, deviation 0"],
  [{ kind: "mode", scale: 1.76 }, "timesteps mode: scale 1.76"],
  [{ kind: "mode", scale: -1.01 }, "timesteps mode: scale -1.01"],
  [{ kind: "beta", a: 0, b: 1 }, "timesteps beta: a 0, b 1"],
  [{ kind: "laplace", mu: 0, b: -1 }, "timesteps laplace: mu 0, b -1"],
  [{ kind: "table", weights: [1, 2] }, "2 timestep weights that add to 3, for 1000 levels"],
  [{ kind: "table", weights: new Float64Array(1000) }, "1000 timestep weights that add to 0"],
  [{ kind: "table", weights: new Float64Array(1000).fill(1).fill(-1, 0, 1) }, "1000 timestep weights"],
])("%j is refused by value", (shape, message) => {
  expect(() => distributionOf(shape, base)).toThrow(message);
});

test("inverting a step gives the place of the step", () => {
  expect(inverse((x) => (x < 0.3 ? 0.1 : 0.8))(0.5)).toBeCloseTo(0.3, 15);
});
