import fc from "fast-check";
import { expect, test } from "vitest";
import { discreteTable } from "../../sampling/tables.ts";
import { snrOf } from "./targets.ts";
import { checkWeighting, lossWeight, type Weighting, x0Weight } from "./weights.ts";

const zero = discreteTable({ zeroSnr: "exact" });
const base = discreteTable();

const columns: Weighting[] = [
  { kind: "uniform", of: "eps" },
  { kind: "uniform", of: "x0" },
  { kind: "min_snr", gamma: 5 },
  { kind: "soft_min_snr", gamma: 1 },
  { kind: "soft_min_snr", gamma: 5 },
  { kind: "debiased" },
  { kind: "debiased", form: "kohya" },
  { kind: "debiased", form: "onetrainer" },
];

// What multiplies a v-loss on the zero-SNR schedule, computed independently in float64 and printed to five digits; the
// columns as above, and kohya's min-SNR, which takes the SNR of the schedule before it is rescaled.
const golden: [level: number, ...multipliers: number[]][] = [
  [0, 0.99915, 0.00085, 0.00425, 0.000849, 0.004232, 0.029142, 0.000999, 0.031607, 0.00425],
  [100, 0.88676, 0.11324, 0.56619, 0.10042, 0.34556, 0.31688, 0.11324, 0.33651, 0.52888],
  [300, 0.56475, 0.43525, 0.56475, 0.24581, 0.44839, 0.49579, 0.43525, 0.65973, 0.5905],
  [500, 0.24102, 0.75898, 0.24102, 0.18293, 0.22663, 0.4277, 0.75898, 0.8712, 0.27633],
  [700, 0.05525, 0.94475, 0.05525, 0.0522, 0.05461, 0.22847, 0.94475, 0.97198, 0.08252],
  [900, 0.00296, 0.99704, 0.00296, 0.002952, 0.002959, 0.05433, 0.99704, 0.99852, 0.01415],
  [999, 0, 1, 0, 0, 0, 0, 1, 1, 0.00466],
];

test.each(golden)("the multipliers of a v-loss at level %i", (level, ...wanted) => {
  const snr = snrOf(zero.sigmas[level]!);
  const found = [
    ...columns.map((weighting) => lossWeight(weighting, snr, "v")),
    lossWeight({ kind: "min_snr", gamma: 5 }, snrOf(base.sigmas[level]!), "v"),
  ];
  // Half of the last printed digit: the table prints five decimals, and six where a number is below 0.05.
  found.forEach((weight, i) => {
    expect(Math.abs(weight - wanted[i]!)).toBeLessThanOrEqual(5.1e-6);
  });
});

test("P2 and OneTrainer's variant of it, at an SNR where both are short numbers", () => {
  expect(lossWeight({ kind: "p2", gamma: 1 }, 3, "eps")).toBe(1 / 4);
  expect(lossWeight({ kind: "p2", gamma: 1 }, 3, "v")).toBe(3 / 16);
  expect(lossWeight({ kind: "p2", gamma: 0.5, k: 13 }, 3, "eps")).toBe(1 / 4);
  expect(lossWeight({ kind: "p2", gamma: 1, form: "onetrainer" }, 3, "v")).toBe(1 / 5);
  expect(lossWeight({ kind: "p2", gamma: 2, form: "onetrainer" }, 3, "eps")).toBe(1 / 16);
});

test("kohya's v_pred_like_loss is an eps-loss and a share of the v-loss; its SNR stops at 1000", () => {
  expect(lossWeight({ kind: "v_like", strength: 0.5 }, 4, "eps")).toBe(1 + 0.5 * (5 / 4));
  expect(lossWeight({ kind: "v_like", strength: 2 }, 1e9, "eps")).toBeCloseTo(1 + 2 * (1001 / 1000), 12);
});

test("the limits at SNR 0, none of them a NaN", () => {
  const limits: [Weighting, v: number, flow: number, eps: number][] = [
    [{ kind: "uniform" }, 1, 1, 1],
    [{ kind: "uniform", of: "eps" }, 0, 0, 1],
    [{ kind: "uniform", of: "x0" }, 1, 1, Infinity],
    [{ kind: "uniform", of: "v" }, 1, 1, Infinity],
    [{ kind: "uniform", of: "flow" }, 1, 1, Infinity],
    [{ kind: "min_snr", gamma: 5 }, 0, 0, 1],
    [{ kind: "soft_min_snr", gamma: 5 }, 0, 0, 1],
    [{ kind: "debiased" }, 0, 0, Infinity],
    [{ kind: "p2", gamma: 1, k: 2 }, 0, 0, 1 / 2],
  ];
  for (const [weighting, v, flow, eps] of limits) {
    expect([weighting, lossWeight(weighting, 0, "v")]).toEqual([weighting, v]);
    expect([weighting, lossWeight(weighting, 0, "flow")]).toEqual([weighting, flow]);
    expect([weighting, lossWeight(weighting, 0, "eps")]).toEqual([weighting, eps]);
    // The limit is where the values go: 1e-12 away in SNR moves none of them by more than the root of that.
    if (Number.isFinite(eps)) expect(lossWeight(weighting, 1e-12, "eps")).toBeCloseTo(eps, 5);
    expect(lossWeight(weighting, 1e-12, "v")).toBeCloseTo(v, 5);
    expect(lossWeight(weighting, 1e-12, "flow")).toBeCloseTo(flow, 5);
  }
  expect(lossWeight({ kind: "debiased", form: "kohya" }, 0, "v")).toBe(1);
  expect(lossWeight({ kind: "debiased", form: "onetrainer" }, 0, "v")).toBe(1);
  expect(lossWeight({ kind: "p2", gamma: 3, form: "onetrainer" }, 0, "v")).toBe(1 / 8);
});

test("for large SNR the multipliers of a v-loss go as the table of methods says", () => {
  const snr = 1e8;
  const tail = (weighting: Weighting, wanted: number) =>
    // The next term of every expansion is smaller by 1 / sqrt(SNR) at most.
    expect(lossWeight(weighting, snr, "v") / wanted).toBeCloseTo(1, 3);
  tail({ kind: "uniform", of: "eps" }, 1);
  tail({ kind: "uniform", of: "x0" }, 1 / snr);
  tail({ kind: "min_snr", gamma: 5 }, 5 / snr);
  tail({ kind: "soft_min_snr", gamma: 5 }, 5 / snr);
  tail({ kind: "debiased" }, 1 / Math.sqrt(snr));
  tail({ kind: "p2", gamma: 0.5 }, snr ** -0.5);
});

test("one weight on x0 gives every prediction's multiplier", () => {
  const weighting = fc.oneof<fc.Arbitrary<Weighting>[]>(
    fc.constantFrom<Weighting>(...columns.slice(0, 6), { kind: "p2", gamma: 0.7 }, { kind: "uniform", of: "flow" }),
    fc.record({ kind: fc.constant("min_snr"), gamma: fc.double({ min: 0.1, max: 20, noNaN: true }) }),
  );
  fc.assert(
    fc.property(weighting, fc.double({ min: 1e-7, max: 1e4, noNaN: true }), (w, snr) => {
      const x0 = x0Weight(w, snr, "v");
      // A few roundings of a double.
      expect((lossWeight(w, snr, "eps") * snr) / x0).toBeCloseTo(1, 12);
      expect((lossWeight(w, snr, "v") * (snr + 1)) / x0).toBeCloseTo(1, 12);
      expect((lossWeight(w, snr, "flow") * (1 + Math.sqrt(snr)) ** 2) / x0).toBeCloseTo(1, 12);
    }),
  );
});

test("a soft min-SNR lies below both of its sides, and at half of them where they meet", () => {
  for (const snr of [0.1, 2, 5, 40]) {
    expect(x0Weight({ kind: "soft_min_snr", gamma: 5 }, snr, "v")).toBeLessThan(Math.min(snr, 5));
  }
  expect(x0Weight({ kind: "soft_min_snr", gamma: 5 }, 5, "v")).toBeCloseTo(2.5, 14);
});

test.each<[Weighting, string]>([
  [{ kind: "min_snr", gamma: 0 }, "weighting min_snr: gamma 0"],
  [{ kind: "soft_min_snr", gamma: Number.NaN }, "weighting soft_min_snr: gamma NaN"],
  [{ kind: "p2", gamma: -1 }, "weighting p2: gamma -1"],
  [{ kind: "p2", gamma: 1, k: 0 }, "weighting p2: k 0"],
  [{ kind: "v_like", strength: -0.1 }, "weighting v_like: strength -0.1"],
  [{ kind: "v_like", strength: 1 }, "weighting v_like on a v loss"],
])("%j is refused by value", (weighting, message) => {
  expect(() => checkWeighting(weighting, "v")).toThrow(message);
});

test("a program's form has no meaning for a flow loss, which it does not have", () => {
  expect(() => lossWeight({ kind: "debiased", form: "kohya" }, 1, "flow")).toThrow("in the form of kohya");
  expect(() => lossWeight({ kind: "p2", gamma: 1, form: "onetrainer" }, 1, "flow")).toThrow(
    "in the form of onetrainer",
  );
});
