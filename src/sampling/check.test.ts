import { expect, test } from "vitest";
import { type Combination, checkCombination } from "./check.ts";
import { samplerNames } from "./samplers/named.ts";
import { discreteTable, edmTable, flowTable } from "./tables.ts";
import { betasOfSigmas } from "./trained-betas.ts";

const base = discreteTable();
const exact = discreteTable({ zeroSnr: "exact" });
const comfyui = discreteTable({ zeroSnr: "comfyui" });
const sound: Combination = { sampler: "euler", schedule: "trailing", steps: 28, prediction: "v", table: exact };

async function codes(change: Partial<Combination>): Promise<string[]> {
  return (await checkCombination({ ...sound, ...change })).map((f) => `${f.level} ${f.code}`);
}

test("what the model cards recommend passes without a word", async () => {
  expect(await codes({})).toEqual([]);
  expect(await codes({ guidance: { scale: 5, rescale: 0.2 } })).toEqual([]);
  expect(await codes({ prediction: "eps", table: base, schedule: "normal", guidance: { scale: 7.5 } })).toEqual([]);
  expect(await codes({ prediction: "eps", table: base, sampler: "dpmpp_2m", schedule: "karras" })).toEqual([]);
  expect(await codes({ prediction: "flow", table: flowTable({ shift: 3 }), schedule: "simple" })).toEqual([]);
  expect(await codes({ prediction: "edm_v", table: edmTable(), schedule: "karras" })).toEqual([]);
});

test.each([exact, comfyui, discreteTable({ zeroSnr: "diffusers" })])(
  "eps with zero SNR is refused on every table",
  async (table) => {
    expect(await codes({ prediction: "eps", table })).toEqual(["refusal eps_zero_snr"]);
  },
);

test("a prediction on another family's levels is refused, and SDXL's schedule on other levels", async () => {
  expect(await codes({ prediction: "flow" })).toEqual(["refusal wrong_table"]);
  expect(await codes({ prediction: "flow", table: flowTable(), schedule: "ays" })).toEqual(["refusal wrong_schedule"]);
});

test("schedules that miss or overcrowd the terminal of a zero-SNR model", async () => {
  expect(await codes({ schedule: "leading" })).toEqual(["warning terminal_missed"]);
  expect(await codes({ schedule: "ddim_uniform", steps: 25 })).toEqual(["warning terminal_missed"]);
  expect(await codes({ schedule: "karras" })).toEqual(["warning finite_terminal", "warning steps_in_noise"]);
  expect(await codes({ schedule: "karras", table: comfyui })).toEqual(["warning steps_in_noise"]);
  expect(await codes({ schedule: "kl_optimal", steps: 10, table: comfyui })).toEqual(["warning coarse_start"]);
});

test("a gap before the terminal of a model's own levels is not the schedule's", async () => {
  // Zero terminal SNR by patching the last level alone: the level before it stays where it was.
  const betas = [...betasOfSigmas(base.sigmas.subarray(0, 999)), 1];
  const [coarse, ...others] = await checkCombination({ ...sound, steps: 10, table: discreteTable({ betas }) });
  expect(others).toEqual([]);
  expect(coarse).toMatchObject({ code: "coarse_start", hint: expect.stringMatching(/model's own levels: more steps/) });
});

test("heun over a stand-in for Infinity multiplies differences by 38; from the exact terminal it does not", async () => {
  const findings = await checkCombination({ ...sound, sampler: "heun", schedule: "sgm_uniform", table: comfyui });
  expect(findings.map((f) => f.code)).toEqual(["heun_step"]);
  // |4518.76 - 58.4| / (2 * 58.4)
  expect(findings[0]!.message).toContain("by 38.");
  expect(await codes({ sampler: "heun", schedule: "sgm_uniform" })).toEqual([]);
  expect(await codes({ sampler: "heun", schedule: "normal", prediction: "eps", table: base })).toEqual([]);
});

test("multistep samplers on a last step that is much longer than the one before", async () => {
  const eps = { prediction: "eps", table: base } as const;
  expect(await codes({ ...eps, sampler: "dpmpp_2m", schedule: "normal" })).toEqual(["warning long_step"]);
  // For UniPC the schedule leaves out the level before 0.
  expect(await codes({ ...eps, sampler: "uni_pc", schedule: "normal" })).toEqual([]);
  expect(await codes({ ...eps, sampler: "euler", schedule: "normal" })).toEqual([]);
  expect(await codes({ sampler: "dpmpp_2m", schedule: "trailing" })).toEqual([]);
});

test("what ends far off is refused with the measured error, by the steps that are asked for", async () => {
  const [refusal, ...others] = await checkCombination({ ...sound, sampler: "heun", schedule: "beta_forge" });
  expect(others).toEqual([]);
  expect(refusal).toMatchObject({ level: "refusal", code: "ruined" });
  expect(refusal!.message).toMatch(
    /^heun on beta_forge in 28 steps ends 3\d\.\d\d off .* euler on simple ends 0\.\d\d off$/,
  );
  expect(await codes({ sampler: "heun", schedule: "karras", steps: 8 })).toEqual(["refusal ruined"]);
  expect(await codes({ sampler: "heun", schedule: "karras" })).toEqual([
    "warning finite_terminal",
    "warning steps_in_noise",
  ]);
  const sde = { prediction: "eps", table: base, sampler: "dpmpp_2m_sde_heun", schedule: "normal" } as const;
  expect(await codes(sde)).toEqual(["warning long_step", "warning large_error"]);
  expect(await codes({ ...sde, steps: 20 })).toEqual(["refusal ruined"]);
  // Without its noise the sampler is another one.
  expect(await codes({ ...sde, steps: 20, eta: 0 })).not.toContain("refusal ruined");
});

test.each(["euler", "dpmpp_2m"] as const)(
  "%s with karras works on a zero-SNR model at any usual count of steps",
  async (sampler) => {
    for (const steps of [8, 12, 20, 28, 50]) {
      for (const found of await codes({ sampler, schedule: "karras", steps })) expect(found).toMatch(/^warning/);
    }
  },
);

test("few steps are not refused for being few, as distilled models want them", async () => {
  for (const steps of [1, 2, 4, 8]) {
    for (const schedule of ["normal", "simple", "sgm_uniform", "trailing"] as const) {
      const found = await codes({ prediction: "eps", table: base, schedule, steps });
      expect(found, `${schedule}, ${steps} steps`).not.toContain("refusal ruined");
    }
  }
});

test.each(["uni_pc", "uni_pc_bh2"] as const)(
  "%s on one very long step from a stand-in for Infinity",
  async (sampler) => {
    const kl = { sampler, schedule: "kl_optimal", table: comfyui } as const;
    expect(await codes({ ...kl, steps: 8 })).toEqual(["warning unipc_step"]);
    // Only few steps make it, and only of a method that corrects across it.
    expect(await codes(kl)).toEqual([]);
    expect(await codes({ ...kl, steps: 8, sampler: "euler" })).toEqual([]);
  },
);

test("guidance that does nothing, or too much to the first guess", async () => {
  expect(await codes({ guidance: { scale: 1, rescale: 0.7 } })).toEqual(["warning rescale_idle"]);
  expect(await codes({ guidance: { scale: 4, interval: [100, 200] }, steps: 5 })).toEqual(["warning interval_empty"]);
  expect(await codes({ guidance: { scale: 7.5 } })).toEqual(["warning overexposure"]);
  expect(await codes({ guidance: { scale: 16, interval: [0.28, 5.42] } })).toEqual([]);
});

test("eta does nothing to a sampler that draws no noise, and 0 asks for nothing else", async () => {
  for (const sampler of samplerNames) {
    const own = { ...sound, sampler, schedule: "trailing" } as const;
    expect([sampler, (await codes({ ...own, eta: 0.5 })).includes("warning eta_idle")]).toEqual([
      sampler,
      !["euler_ancestral", "dpmpp_2m_sde", "dpmpp_2m_sde_heun", "ddim"].includes(sampler),
    ]);
    expect(await codes({ ...own, eta: 0 })).not.toContain("warning eta_idle");
  }
});

test("every finding says what to do", async () => {
  for (const schedule of ["leading", "karras", "ddim_uniform", "beta_forge"] as const) {
    for (const finding of await checkCombination({ ...sound, schedule, sampler: "heun", guidance: { scale: 9 } })) {
      expect(finding.hint.length).toBeGreaterThan(10);
      expect(finding.message).toMatch(/\d/);
    }
  }
});
