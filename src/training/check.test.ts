import { expect, test } from "vitest";
import { discreteTable, flowTable } from "../sampling/tables.ts";
import { betasOfSigmas } from "../sampling/trained-betas.ts";
import { checkRecipe } from "./check.ts";
import type { Recipe } from "./plan.ts";

const base = discreteTable();
const zero = discreteTable({ zeroSnr: "exact" });
const comfyui = discreteTable({ zeroSnr: "comfyui" });
const sound: Recipe = { prediction: "v", table: zero };

function codes(change: Partial<Recipe>, shift?: number): string[] {
  return checkRecipe({ ...sound, ...change }, shift).map((f) => `${f.level} ${f.code}`);
}

function message(change: Partial<Recipe>): string {
  return checkRecipe({ ...sound, ...change })
    .map((f) => f.message)
    .join("\n");
}

test("what papers and model cards recommend passes without a word", () => {
  expect(codes({})).toEqual([]);
  expect(codes({ weighting: { kind: "debiased" } })).toEqual([]);
  expect(codes({ weighting: { kind: "soft_min_snr", gamma: 1 } })).toEqual([]);
  expect(codes({ timesteps: { distribution: { kind: "cosmap" }, terminalShare: 0.01 } })).toEqual([]);
  expect(codes({ timesteps: { stratified: true }, noise: { perturbation: 0.1 } })).toEqual([]);
  const eps: Partial<Recipe> = { prediction: "eps", table: base };
  expect(codes(eps)).toEqual([]);
  expect(codes({ ...eps, weighting: { kind: "min_snr", gamma: 5 }, noise: { offset: 0.0357 } })).toEqual([]);
  expect(codes({ ...eps, weighting: { kind: "p2", gamma: 1 } })).toEqual([]);
  expect(codes({ ...eps, weighting: { kind: "v_like", strength: 0.1 } })).toEqual([]);
  expect(codes({ ...eps, weighting: { kind: "debiased", form: "kohya" } })).toEqual([]);
  const flow: Partial<Recipe> = { prediction: "flow", table: flowTable({ shift: 3 }) };
  expect(codes({ ...flow, timesteps: { distribution: { kind: "logit_normal" } } })).toEqual([]);
});

test.each([zero, comfyui, discreteTable({ zeroSnr: "diffusers", shift: 0.125 })])(
  "eps with zero terminal SNR is refused on every table, whatever the weight",
  (table) => {
    expect(codes({ prediction: "eps", table })).toEqual(["refusal eps_zero_snr"]);
    expect(codes({ prediction: "eps", table, weighting: { kind: "min_snr", gamma: 5 } })).toEqual([
      "refusal eps_zero_snr",
    ]);
  },
);

test("a table whose flag was changed afterwards is refused, with its last sigma", () => {
  const mislabelled = { ...base, zeroSnr: "exact" } as const;
  expect(codes({ table: mislabelled })).toEqual(["refusal table_mismatch"]);
  expect(message({ table: mislabelled })).toContain("14.6");
  expect(codes({ table: { ...zero, zeroSnr: false } })).toEqual(["refusal table_mismatch"]);
});

test("a list that leaps from pure noise to where colours are seen is warned of, with both sigmas", () => {
  const zeroBars = zero.sigmas.map((sigma) => 1 / (1 + sigma * sigma));
  const listed = (bars: Float64Array) =>
    discreteTable({ betas: betasOfSigmas(bars.map((bar) => Math.sqrt((1 - bar) / bar))) });
  expect(codes({ table: listed(zeroBars) })).toEqual([]);
  const unsquared = { table: listed(zeroBars.map(Math.sqrt)) };
  expect(codes(unsquared)).toContain("warning coarse_levels");
  expect(message(unsquared)).toContain("at sigma 7.43, on SDXL's rescaled levels at 56.2");
  // A shift moves what is seen of colours, too: SDXL's levels, listed, and those of the capped cosine.
  for (const shift of [0.125, 8]) {
    const betas = betasOfSigmas(discreteTable({ zeroSnr: "exact" }).sigmas);
    expect(codes({ table: discreteTable({ betas, shift }) })).not.toContain("warning coarse_levels");
  }
  const cosine = discreteTable({ betaCurve: "squaredcos_cap_v2", zeroSnr: "exact", shift: 0.5 });
  expect(codes({ table: { ...cosine, isListed: true } })).not.toContain("warning coarse_levels");
  // Without a leap, however little noise there is.
  expect(codes({ table: discreteTable({ betas: [0.1, 0.2] }) })).not.toContain("warning coarse_levels");
});

test("an objective or a distribution outside of its range is refused with the error's own words", () => {
  expect(codes({ prediction: "flow" })).toEqual(["refusal bad_option"]);
  expect(codes({ weighting: { kind: "v_like", strength: 1 } })).toEqual(["refusal bad_option"]);
  expect(codes({ noise: { offset: -1 } })).toEqual(["refusal bad_option"]);
  expect(message({ timesteps: { distribution: { kind: "mode", scale: 3 } } })).toBe("timesteps mode: scale 3");
});

test("a weight without a limit is refused where it would be drawn, and only there", () => {
  const change: Partial<Recipe> = { weighting: { kind: "debiased" }, weightFor: "eps", terminalWeight: "limit" };
  expect(codes(change)).toEqual(["refusal infinite_weight"]);
  expect(message(change)).toContain("is Infinity at SNR 0 (level 999)");
  expect(codes({ ...change, timesteps: { maxTimestep: 999 } })).not.toContain("refusal infinite_weight");
});

test("min-SNR without its guard leaves the terminal level untrained", () => {
  const guarded: Partial<Recipe> = { weighting: { kind: "min_snr", gamma: 5 } };
  expect(codes(guarded)).toEqual(["warning low_snr_starved"]);
  // Computed with numpy from the schedule's definition: 1.29 % without the terminal level, whose weight is 1.
  expect(message(guarded)).toContain("1.65 % of the loss lies on SNR below 0.05");
  expect(message(guarded)).toContain("28.4 % of the draws");
  expect(codes({ ...guarded, terminalWeight: "limit" })).toEqual([
    "warning terminal_weightless",
    "warning low_snr_starved",
  ]);
  // A stand-in for Infinity has an SNR, and a weight of 4.9e-8: as good as none.
  expect(message({ ...guarded, table: comfyui, terminalWeight: "limit" })).toContain("weighs 4.9e-8");
});

test("a v-loss scaled like an eps-loss on a zero-SNR schedule", () => {
  const scaled: Partial<Recipe> = { weighting: { kind: "uniform", of: "eps" } };
  expect(codes(scaled)).toEqual(["warning weighted_like_eps"]);
  expect(codes({ ...scaled, table: base })).toEqual([]);
});

test("weights from the schedule before it was rescaled", () => {
  const stale: Partial<Recipe> = { weighting: { kind: "min_snr", gamma: 5 }, weightTable: base };
  expect(codes(stale)).toContain("warning stale_snr");
  expect(message(stale)).toContain("SNR 0.00468 at level 999, which has 0");
  expect(message({ ...stale, terminalWeight: 1 })).toContain("SNR 0.00474 at level 998, which has 1.97e-7");
  expect(codes({ ...stale, weightTable: discreteTable({ zeroSnr: "exact" }) })).not.toContain("warning stale_snr");
});

test("an eps formula on a v-loss: min-SNR that is 1 for all SNR below gamma", () => {
  const change: Partial<Recipe> = { weighting: { kind: "min_snr", gamma: 5 }, weightFor: "eps" };
  expect(codes(change)).toEqual(["warning foreign_weight"]);
  // Computed with numpy.
  expect(message(change)).toContain("30.8 % of the loss lies on SNR below 0.05, by the right formula 1.65 %");
});

test("weights that carry a paper's name and are not the paper's", () => {
  const kohya: Partial<Recipe> = { weighting: { kind: "debiased", form: "kohya" } };
  expect(codes(kohya)).toEqual(["warning not_the_papers_weight"]);
  expect(message(kohya)).toContain("43.3 % of the loss");
  expect(codes({ weighting: { kind: "debiased", form: "onetrainer" } })).toEqual(["warning not_the_papers_weight"]);
  expect(codes({ weighting: { kind: "p2", gamma: 1, form: "onetrainer" } })).toEqual(["warning not_the_papers_weight"]);
});

test("P2 with min-SNR's gamma", () => {
  expect(codes({ prediction: "eps", table: base, weighting: { kind: "p2", gamma: 5 } })).toEqual(["warning p2_gamma"]);
});

test("a logit-normal never comes to the terminal level of a zero-SNR schedule", () => {
  const change: Partial<Recipe> = { timesteps: { distribution: { kind: "logit_normal", mean: 0.5 } } };
  expect(codes(change)).toEqual(["warning terminal_rarely_drawn"]);
  expect(message(change)).toContain("once in 1.35e+10 pictures");
  expect(codes({ timesteps: { ...change.timesteps, terminalShare: 0.01 } })).toEqual([]);
  expect(codes({ ...change, table: base })).toEqual([]);
});

test("a range or a distribution that leaves the terminal level out", () => {
  expect(codes({ timesteps: { maxTimestep: 999 } })).toEqual(["warning terminal_never_drawn"]);
  expect(codes({ timesteps: { distribution: { kind: "laplace", mu: 0, b: 4 } } })).toEqual([
    "warning terminal_never_drawn",
  ]);
  expect(codes({ prediction: "flow", table: flowTable(), timesteps: { maxTimestep: 990 } })).toEqual([
    "warning terminal_never_drawn",
  ]);
  expect(codes({ table: base, timesteps: { maxTimestep: 999 } })).toEqual([]);
});

test("draws that leave the low SNR out are said like weights that do", () => {
  expect(codes({ timesteps: { distribution: { kind: "logit_normal", mean: -2 }, terminalShare: 0.001 } })).toEqual([
    "warning low_snr_starved",
  ]);
});

test("what is low on a schedule for small latents is shifted with it", () => {
  const change: Partial<Recipe> = {
    table: discreteTable({ zeroSnr: "exact", shift: 0.125 }),
    timesteps: { distribution: { kind: "logit_normal", mean: -3 }, terminalShare: 0.001 },
  };
  expect(message(change)).toContain("SNR below 3.2, where");
});

test("a shift that the schedule has no room for", () => {
  expect(codes({ prediction: "eps", table: base }, 2)).toEqual(["warning shift_piles_up"]);
  expect(codes({ prediction: "eps", table: base, timesteps: { shift: 2 } })).toEqual(["warning shift_piles_up"]);
  expect(codes({ prediction: "eps", table: base }, 1.05)).toEqual([]);
  expect(codes({}, 2)).toEqual([]);
});

test("offset and pyramid noise on a schedule that needs neither", () => {
  expect(codes({ noise: { offset: 0.05 } })).toEqual(["warning double_fix"]);
  expect(codes({ noise: { adaptiveScale: 0.01 } })).toEqual(["warning double_fix"]);
  expect(codes({ noise: { pyramid: { iterations: 6, discount: 0.3 } } })).toEqual(["warning double_fix"]);
  expect(codes({ table: base, noise: { offset: 0.05 } })).toEqual([]);
});

test("an input perturbation beyond what is known to help", () => {
  expect(message({ noise: { perturbation: 0.3 } })).toContain("1.09 times the variance");
});

test("every finding has a number and a way out", () => {
  const recipes: Partial<Recipe>[] = [
    { prediction: "eps" },
    { weighting: { kind: "min_snr", gamma: 5 }, terminalWeight: "limit", weightTable: base, weightFor: "eps" },
    { weighting: { kind: "debiased", form: "kohya" }, noise: { offset: 0.1, perturbation: 0.2 } },
    { weighting: { kind: "p2", gamma: 5, form: "onetrainer" }, timesteps: { maxTimestep: 900 } },
    { table: base, timesteps: { shift: 4 } },
  ];
  const findings = recipes.flatMap((change) => checkRecipe({ ...sound, ...change }));
  expect(findings.length).toBeGreaterThan(9);
  for (const { message, hint } of findings) {
    expect(message).toMatch(/\d/);
    expect(hint.length).toBeGreaterThan(15);
  }
});
