import { expect, test } from "vitest";
import { discreteTable, flowTable } from "../../sampling/tables.ts";
import { randomState } from "../random.ts";
import type { TimestepDistribution } from "./distributions.ts";
import { type TimestepOptions, timestepSampler } from "./sampler.ts";
import { shiftForSize } from "./shift.ts";

const base = discreteTable();
const zero = discreteTable({ zeroSnr: "exact" });
const flow = flowTable();

/** The chi-square value that 1 in 10,000 fair samples exceeds: Wilson and Hilferty (1931). */
function chiSquareLimit(degrees: number): number {
  return degrees * (1 - 2 / (9 * degrees) + 3.719 * Math.sqrt(2 / (9 * degrees))) ** 3;
}

/** Levels are pooled until each bin expects at least 40 draws. */
function expectDrawsToFollow(draws: Int32Array, probabilities: Float64Array): void {
  const counts = new Float64Array(probabilities.length);
  for (const level of draws) counts[level] = counts[level]! + 1;
  let [statistic, bins, expected, seen, impossible] = [0, 0, 0, 0, 0];
  probabilities.forEach((p, level) => {
    expected += p * draws.length;
    seen += counts[level]!;
    if (p === 0) impossible += counts[level]!;
    if (expected < 40) return;
    statistic += (seen - expected) ** 2 / expected;
    [bins, expected, seen] = [bins + 1, 0, 0];
  });
  expect(impossible).toBe(0);
  expect(bins).toBeGreaterThan(5);
  expect(statistic).toBeLessThan(chiSquareLimit(bins - 1));
}

const recipes: [string, TimestepOptions][] = [
  ["uniform", {}],
  ["logit-normal", { distribution: { kind: "logit_normal", mean: -0.5 } }],
  ["mode", { distribution: { kind: "mode", scale: 1.29 } }],
  ["cosmap", { distribution: { kind: "cosmap" } }],
  ["beta", { distribution: { kind: "beta", a: 1.5, b: 0.7 } }],
  ["Laplace on levels", { distribution: { kind: "laplace", mu: -1, b: 1 } }],
  ["Laplace on log-SNR", { distribution: { kind: "laplace", mu: 0, b: 1, measure: "log_snr" } }],
  ["a table", { distribution: { kind: "table", weights: zero.sigmas.map((_, i) => (i % 100 < 30 ? 0 : i)) } }],
  ["a forced terminal", { terminalShare: 0.02, distribution: { kind: "logit_normal" } }],
  ["a range", { minTimestep: 150, maxTimestep: 640, distribution: { kind: "cosmap" } }],
  ["a shift", { shift: 2.5 }],
  ["a shift down", { shift: 0.3, distribution: { kind: "logit_normal" } }],
  [
    "everything at once",
    { shift: 1.7, minTimestep: 90, terminalShare: 0.05, distribution: { kind: "beta", a: 2, b: 2 } },
  ],
];

test.each(recipes)("%s: draws follow the probabilities, which add to 1", (_, options) => {
  // Without a shift, tables differ in nothing that a draw looks at, but for ln SNR.
  const tables = options.shift ? [zero, base, flow] : [zero];
  for (const [seed, table] of tables.entries()) {
    const sampler = timestepSampler(table, options);
    const probabilities = sampler.probabilities();
    expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 10);
    expect(sampler.probability(500)).toBe(probabilities[500]);
    expectDrawsToFollow(sampler.draw(randomState(seed), 3000), probabilities);
  }
});

test("how often the terminal level is drawn, against an independent float64 computation", () => {
  const terminal = (distribution: TimestepDistribution) => timestepSampler(zero, { distribution }).probability(999);
  // P(u >= 0.999) by mpmath; logit of a double's 0.999 is off by 1e-13, which the tail multiplies by 50.
  expect(terminal({ kind: "logit_normal" }) / 2.4793299242e-12).toBeCloseTo(1, 9);
  expect(terminal({ kind: "logit_normal", mean: 0.5 }) / 7.4324806082e-11).toBeCloseTo(1, 9);
  // Densities at u = 1: 1 / (1 + 1.29) and 2 / pi, times a level's share; they fall by less than 1 % across it.
  expect(terminal({ kind: "mode", scale: 1.29 }) * 1000).toBeCloseTo(1 / 2.29, 3);
  expect(terminal({ kind: "cosmap" }) * 1000).toBeCloseTo(2 / Math.PI, 2);
  expect(terminal({ kind: "uniform" }) * 1000).toBeCloseTo(1, 12);
});

test("a rare level keeps its digits on both sides", () => {
  const logit = timestepSampler(zero, { distribution: { kind: "logit_normal" } });
  expect(logit.probability(0) / logit.probability(999)).toBeCloseTo(1, 6);
});

test("a shift of flow is the paper's s' = a s / (1 + (a - 1) s)", () => {
  const a = 3;
  const probabilities = timestepSampler(flow, { shift: a }).probabilities();
  const before = (shifted: number) => shifted / (a - (a - 1) * shifted);
  for (const level of [1, 200, 500, 998]) {
    // Level i is s = (i + 1) / 1000, drawn for s half a level to either side.
    const wanted = before((level + 1.5) / 1000) - before((level + 0.5) / 1000);
    expect(probabilities[level]! / wanted).toBeCloseTo(1, 9);
  }
});

test("pictures of their own size have their own shift, and half the side is half the noise", () => {
  expect([256, 512, 1536, 2048].map((side) => shiftForSize(side, side))).toEqual([0.25, 0.5, 1.5, 2]);
  expect(shiftForSize(832, 1216)).toBeCloseTo(Math.sqrt((832 * 1216) / 1024 ** 2), 15);
  const sampler = timestepSampler(zero);
  const shifts = Array.from({ length: 4000 }, (_, i) => (i % 2 === 0 ? 0.5 : 2));
  const draws = sampler.draw(randomState(4), shifts);
  expectDrawsToFollow(
    draws.filter((_, i) => i % 2 === 0),
    sampler.probabilities(0.5),
  );
  expectDrawsToFollow(
    draws.filter((_, i) => i % 2 === 1),
    sampler.probabilities(2),
  );
  // The median of all draws is the middle level, and its sigma times the factor is the median's of shifted draws.
  const median = (shift: number) => {
    let [level, sum] = [0, 0];
    for (const probabilities = sampler.probabilities(shift); sum < 0.5; level++) sum += probabilities[level]!;
    return level - 1;
  };
  for (const shift of [0.5, 2]) {
    // A level is 0.3 % of sigma there.
    expect(zero.sigmas[median(shift)]! / zero.sigmas[499]!).toBeCloseTo(shift, 1);
  }
});

test("on a schedule that ends, shifted draws pile up on its last level", () => {
  const pile = timestepSampler(base, { shift: 2 }).probability(999);
  // All levels whose sigma is above half of the largest, to half a level.
  const beyond = base.sigmas.filter((sigma) => 2 * sigma > base.sigmas[999]!).length / 1000;
  expect(Math.abs(pile - beyond)).toBeLessThan(0.001);
});

test("strata: one draw from each part of a batch, in random order", () => {
  const sampler = timestepSampler(zero, { stratified: true });
  const random = randomState(6);
  const orders = new Set<string>();
  for (let batch = 0; batch < 50; batch++) {
    const parts = [...sampler.draw(random, 8)].map((level) => Math.floor(level / 125));
    orders.add(parts.join());
    expect(parts.toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  }
  expect(orders.size).toBeGreaterThan(45);
  expectDrawsToFollow(
    Int32Array.from(Array.from({ length: 500 }, () => [...sampler.draw(random, 8)]).flat()),
    sampler.probabilities(),
  );
});

test("strata reach the forced terminal: half of a batch where half is asked for", () => {
  const sampler = timestepSampler(zero, { stratified: true, terminalShare: 0.5 });
  const draws = [...sampler.draw(randomState(7), 16)];
  expect(draws.filter((level) => level === 999).length).toBeGreaterThanOrEqual(8);
  expect(draws.filter((level) => level < 999).length).toBeGreaterThanOrEqual(7);
});

test("the same state draws the same levels", () => {
  const sampler = timestepSampler(zero, { distribution: { kind: "mode", scale: 0.8 } });
  expect(sampler.draw(randomState(9), 32)).toEqual(sampler.draw(randomState(9), 32));
});

test.each<[TimestepOptions, string]>([
  [{ minTimestep: 500, maxTimestep: 500 }, "timesteps from 500 up to 500"],
  [{ maxTimestep: 1001 }, "timesteps from 0 up to 1001"],
  [{ minTimestep: 0.5 }, "timesteps from 0.5 up to 1000"],
  [{ terminalShare: 1 }, "terminal share 1"],
  [{ terminalShare: 0.1, maxTimestep: 900 }, "terminal share 0.1"],
  [{ shift: 0 }, "timestep shift 0"],
])("%j is refused by value", (options, message) => {
  expect(() => timestepSampler(zero, options)).toThrow(message);
});

test("a range in which nothing can be drawn is refused, and so is a picture without a size", () => {
  const weights = new Float64Array(1000).fill(1, 0, 500);
  const sampler = timestepSampler(zero, { distribution: { kind: "table", weights }, minTimestep: 600 });
  expect(() => sampler.probabilities()).toThrow("no timestep can be drawn from 600 to 999");
  expect(() => sampler.draw(randomState(1), [1])).toThrow("no timestep");
  expect(() => shiftForSize(0, 512)).toThrow("size 0 x 512");
  expect(() => timestepSampler(zero).draw(randomState(1), [1, -2])).toThrow("timestep shift -2");
});
