import { expect, test } from "vitest";
import { type Combination, checkCombination } from "./check.ts";
import { discreteTable, edmTable, flowTable } from "./tables.ts";

const base = discreteTable();
const exact = discreteTable({ zeroSnr: "exact" });
const comfyui = discreteTable({ zeroSnr: "comfyui" });
const sound: Combination = { sampler: "euler", schedule: "trailing", steps: 28, prediction: "v", table: exact };

function codes(change: Partial<Combination>): string[] {
  return checkCombination({ ...sound, ...change }).map((f) => `${f.level} ${f.code}`);
}

test("what the model cards recommend passes without a word", () => {
  expect(codes({})).toEqual([]);
  expect(codes({ guidance: { scale: 5, rescale: 0.2 } })).toEqual([]);
  expect(codes({ prediction: "eps", table: base, schedule: "normal", guidance: { scale: 7.5 } })).toEqual([]);
  expect(codes({ prediction: "eps", table: base, sampler: "dpmpp_2m", schedule: "karras" })).toEqual([]);
  expect(codes({ prediction: "flow", table: flowTable({ shift: 3 }), schedule: "simple" })).toEqual([]);
  expect(codes({ prediction: "edm_v", table: edmTable(), schedule: "karras" })).toEqual([]);
});

test.each([exact, comfyui, discreteTable({ zeroSnr: "diffusers" })])(
  "eps with zero SNR is refused on every table",
  (table) => {
    expect(codes({ prediction: "eps", table })).toEqual(["refusal eps_zero_snr"]);
  },
);

test("a prediction on another family's levels is refused, and SDXL's schedule on other levels", () => {
  expect(codes({ prediction: "flow" })).toEqual(["refusal wrong_table"]);
  expect(codes({ prediction: "flow", table: flowTable(), schedule: "ays" })).toEqual(["refusal wrong_schedule"]);
});

test("schedules that miss or overcrowd the terminal of a zero-SNR model", () => {
  expect(codes({ schedule: "leading" })).toEqual(["warning terminal_missed"]);
  expect(codes({ schedule: "ddim_uniform", steps: 25 })).toEqual(["warning terminal_missed"]);
  expect(codes({ schedule: "karras" })).toEqual(["warning finite_terminal", "warning steps_in_noise"]);
  expect(codes({ schedule: "karras", table: comfyui })).toEqual(["warning steps_in_noise"]);
  expect(codes({ schedule: "kl_optimal", steps: 10, table: comfyui })).toEqual(["warning coarse_start"]);
});

test("heun over a stand-in for Infinity multiplies differences by 38; from the exact terminal it does not", () => {
  const findings = checkCombination({ ...sound, sampler: "heun", schedule: "sgm_uniform", table: comfyui });
  expect(findings.map((f) => f.code)).toEqual(["heun_step"]);
  // |4518.76 - 58.4| / (2 * 58.4)
  expect(findings[0]!.message).toContain("by 38.");
  expect(codes({ sampler: "heun", schedule: "sgm_uniform" })).toEqual([]);
  expect(codes({ sampler: "heun", schedule: "normal", prediction: "eps", table: base })).toEqual([]);
});

test("multistep samplers on a last step that is much longer than the one before", () => {
  const eps = { prediction: "eps", table: base } as const;
  expect(codes({ ...eps, sampler: "uni_pc", schedule: "normal" })).toEqual(["warning long_step"]);
  expect(
    codes({ ...eps, sampler: "uni_pc", schedule: "normal", scheduleOptions: { discardPenultimate: true } }),
  ).toEqual([]);
  expect(codes({ ...eps, sampler: "euler", schedule: "normal" })).toEqual([]);
  expect(codes({ sampler: "dpmpp_2m", schedule: "trailing" })).toEqual([]);
});

test("guidance that does nothing, or too much to the first guess", () => {
  expect(codes({ guidance: { scale: 1, rescale: 0.7 } })).toEqual(["warning rescale_idle"]);
  expect(codes({ guidance: { scale: 4, interval: [100, 200] }, steps: 5 })).toEqual(["warning interval_empty"]);
  expect(codes({ guidance: { scale: 7.5 } })).toEqual(["warning overexposure"]);
  expect(codes({ guidance: { scale: 16, interval: [0.28, 5.42] } })).toEqual([]);
});

test("every finding says what to do", () => {
  for (const schedule of ["leading", "karras", "ddim_uniform", "beta_forge"] as const) {
    for (const finding of checkCombination({ ...sound, schedule, sampler: "heun", guidance: { scale: 9 } })) {
      expect(finding.hint.length).toBeGreaterThan(10);
      expect(finding.message).toMatch(/\d/);
    }
  }
});
