import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { discreteTable, flowTable } from "../sampling/tables.ts";
import type { Weighting } from "./objectives/weights.ts";
import { planOf, type Recipe, shareOf } from "./plan.ts";

const table = discreteTable({ zeroSnr: "exact" });
const recipe = (weighting: Weighting): Recipe => ({ prediction: "v", table, weighting, terminalWeight: "limit" });

// Shares of the loss by SNR on the zero-SNR schedule with uniform t, computed independently and printed to three digits.
const bands: [string, Weighting, number[]][] = [
  ["uniform v", { kind: "uniform" }, [0.284, 0.379, 0.198, 0.139]],
  ["x0", { kind: "uniform", of: "x0" }, [0.433, 0.45, 0.1, 0.017]],
  ["debiased of kohya", { kind: "debiased", form: "kohya" }, [0.433, 0.45, 0.1, 0.017]],
  ["debiased of OneTrainer", { kind: "debiased", form: "onetrainer" }, [0.371, 0.435, 0.147, 0.047]],
  ["debiased", { kind: "debiased" }, [0.087, 0.494, 0.304, 0.115]],
  ["soft min-SNR 1", { kind: "soft_min_snr", gamma: 1 }, [0.03, 0.524, 0.363, 0.083]],
  ["min-SNR 5", { kind: "min_snr", gamma: 5 }, [0.013, 0.315, 0.479, 0.193]],
  ["eps", { kind: "uniform", of: "eps" }, [0.01, 0.248, 0.378, 0.364]],
];

test.each(bands)("how %s spreads over the noise levels", (_, weighting, wanted) => {
  const plan = planOf(recipe(weighting));
  const edges = [0, 0.05, 1, 5, Infinity];
  wanted.forEach((share, i) => {
    // Half of the last digit, and a level more or less on a band's edge: 0.001 of all levels, by at most 1.7 its mean.
    expect(Math.abs(shareOf(plan, plan.product, edges[i]!, edges[i + 1]!) - share)).toBeLessThan(0.0015);
  });
});

test("the table in docs/training-objectives.md is what the plans say", () => {
  const page = readFileSync(new URL("../../docs/training-objectives.md", import.meta.url), "utf8");
  for (const [name, weighting] of bands) {
    const plan = planOf({ prediction: "v", table, weighting });
    const edges = [0, 0.05, 1, 5, Infinity];
    const shares = [0, 1, 2, 3].map((i) => 100 * shareOf(plan, plan.product, edges[i]!, edges[i + 1]!));
    const row = [name, ...shares.map((share) => share.toFixed(1)), plan.meanWeight.toFixed(3)];
    expect(page).toContain(`| ${row.join(" | ")} |`);
  }
});

test("the mean weight, by which min-SNR slows an optimiser that does not undo it", () => {
  expect(planOf(recipe({ kind: "min_snr", gamma: 5 })).meanWeight).toBeCloseTo(0.278, 3);
  expect(planOf(recipe({ kind: "uniform" })).meanWeight).toBeCloseTo(1, 12);
});

test("sampling by a density is weighting by it: both make the same product", () => {
  const weighted = planOf(recipe({ kind: "debiased" }));
  const sampled = planOf({
    prediction: "v",
    table,
    timesteps: { distribution: { kind: "table", weights: weighted.weight } },
  });
  weighted.product.forEach((product, i) => {
    expect(sampled.product[i]).toBeCloseTo(product / weighted.meanWeight, 12);
  });
});

test("one entry a level: what the network is told, SNR, and a product that leaves out what is never drawn", () => {
  const plan = planOf({ ...recipe({ kind: "uniform" }), timesteps: { maxTimestep: 600 } });
  expect([plan.t[0], plan.t[999], plan.snr[999]]).toEqual([0, 999, 0]);
  expect(plan.probability[599]).toBeCloseTo(1 / 600, 12);
  expect([plan.probability[600], plan.weight[600], plan.product[600]]).toEqual([0, 1, 0]);
  const eps: Recipe = { prediction: "eps", table, weighting: { kind: "debiased" }, terminalWeight: "limit" };
  expect(planOf({ ...eps, timesteps: { maxTimestep: 999 } }).product[999]).toBe(0);
  expect(planOf(eps).product[999]).toBe(Infinity);
});

test("a shift moves draws, not weights", () => {
  const plain = planOf(recipe({ kind: "uniform", of: "eps" }));
  const shifted = planOf(recipe({ kind: "uniform", of: "eps" }), 2);
  expect(shifted.weight).toEqual(plain.weight);
  expect(shareOf(shifted, shifted.probability, 0, 0.05)).toBeGreaterThan(0.35);
});

test("a flow plan has its levels, and SNR ((1 - s) / s)^2", () => {
  const plan = planOf({ prediction: "flow", table: flowTable() });
  [0, 249, 999].forEach((level) => {
    expect(plan.t[level]).toBeCloseTo(level + 1, 12);
  });
  expect(plan.snr[249]).toBeCloseTo(9, 10);
});
