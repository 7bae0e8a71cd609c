/**
 * @file Tables, spacings and schedules against diffusers, k-diffusion and ComfyUI's rules in float64:
 * `scripts/goldens/schedules.py`.
 */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { alphaBars, betas, discreteTable, type NoiseTable, rescaleToZeroSnr } from "../tables.ts";
import { makeSchedule, type ScheduleName } from "./schedule.ts";

type Levels = { betas: number[]; alphasCumprod: number[]; sigmas: (number | null)[]; alphasCumprodFloat32: number[] };
type Lookup = [given: number, found: number][];
type Fixture = {
  alphasCumprod: { t: number[]; base: Levels; rescaled: Levels };
  spacings: { scheduler: string; spacing: string; stepsOffset: number; steps: number; timesteps: number[] }[];
  diffusersSigmas: { scheduler: string; option: string; steps: number; rescaled: boolean; sigmas: number[] }[];
  kDiffusion: {
    sigmas: {
      function: string;
      steps: number;
      sigmaMin: number;
      sigmaMax: number;
      rho: number | null;
      sigmas: number[];
    }[];
    discrete: Record<"base" | "ztsnr", { sigmaToT: Lookup; sigmaToTNearest: Lookup; tToSigma: Lookup }>;
  };
  comfy: { schedule: ScheduleName; table: "base" | "ztsnr"; steps: number; sigmas: number[] }[];
};

const path = new URL("../../../test/fixtures/schedules.json.gz", import.meta.url);
const fixture: Fixture = JSON.parse(gunzipSync(readFileSync(path)).toString("utf8"));

const tables = { base: discreteTable(), ztsnr: discreteTable({ zeroSnr: "comfyui" }) };

/** The largest difference relative to the golden's number. */
function relative(found: readonly number[], wanted: readonly number[]): number {
  expect(found.length).toBe(wanted.length);
  return wanted.reduce((worst, w, i) => Math.max(worst, Math.abs(found[i]! - w) / Math.max(Math.abs(w), 1e-12)), 0);
}

// Float64 on both sides, a thousand products in one order or another: 1e-13, and near the terminal the subtraction
// sqrt(alpha-bar) - last loses four digits of it.
const TABLE_TOLERANCE = 1e-9;

test("betas, alpha-bars and sigmas are diffusers' in float64; its float32 ones lie 1e-5 away", () => {
  const plain = alphaBars(betas());
  const rescaled = rescaleToZeroSnr(plain);
  const { t, base, rescaled: golden } = fixture.alphasCumprod;
  const at = (values: Float64Array) => t.map((i) => values[i]!);
  expect(relative(at(betas()), base.betas)).toBeLessThan(TABLE_TOLERANCE);
  expect(relative(at(plain), base.alphasCumprod)).toBeLessThan(TABLE_TOLERANCE);
  expect(relative(at(discreteTable().sigmas), base.sigmas as number[])).toBeLessThan(TABLE_TOLERANCE);
  expect(relative(at(plain), base.alphasCumprodFloat32)).toBeLessThan(1e-5);
  expect(rescaled[999]).toBe(0);
  expect(relative(at(rescaled).slice(0, -1), golden.alphasCumprod.slice(0, -1))).toBeLessThan(TABLE_TOLERANCE);
  const exact = at(discreteTable({ zeroSnr: "exact" }).sigmas);
  expect(golden.sigmas.at(-1)).toBe(null);
  expect(relative(exact.slice(0, -1), golden.sigmas.slice(0, -1) as number[])).toBeLessThan(TABLE_TOLERANCE);
});

// DPMSolverMultistep and UniPC divide by one step more, which is another spacing under the same name.
const spacings = fixture.spacings.filter(
  (c) => !/DPMSolver|UniPC/.test(c.scheduler) && !(c.spacing === "leading" && c.stepsOffset !== 1),
);

test.each(spacings)("$scheduler, $spacing, $steps steps", ({ scheduler, spacing, steps, timesteps }) => {
  // Euler's linspace is not rounded, and is what ComfyUI calls normal.
  const name = (spacing === "linspace" && scheduler.startsWith("Euler") ? "normal" : spacing) as ScheduleName;
  expect(relative(makeSchedule(name, tables.base, steps).timesteps, timesteps)).toBeLessThan(1e-6);
});

test.each(fixture.comfy)("ComfyUI: $schedule on $table, $steps steps", ({ schedule, table, steps, sigmas }) => {
  const found = makeSchedule(schedule, tables[table], steps).sigmas;
  expect(found.at(-1)).toBe(0);
  expect(relative(found, sigmas)).toBeLessThan(TABLE_TOLERANCE);
});

const comparable = fixture.kDiffusion.sigmas.filter((c) => c.rho === 7 || c.function === "get_sigmas_exponential");

test.each(comparable)(
  "k-diffusion: $function, $steps steps to $sigmaMax",
  ({ function: name, steps, sigmaMax, sigmas }) => {
    const table = sigmaMax > 100 ? tables.ztsnr : tables.base;
    const found = makeSchedule(name === "get_sigmas_karras" ? "karras" : "exponential", table, steps).sigmas;
    expect(relative(found, sigmas)).toBeLessThan(TABLE_TOLERANCE);
  },
);

// DPMSolverMultistep feeds karras and its like the whole table; Euler only what its spacing visits, another schedule.
const beta = fixture.diffusersSigmas.filter((c) => c.option === "use_beta_sigmas" && c.scheduler.startsWith("DPM"));

test.each(beta)(
  "beta_forge is diffusers' use_beta_sigmas: $steps steps, rescaled $rescaled",
  ({ steps, rescaled, sigmas }) => {
    const table: NoiseTable = rescaled ? discreteTable({ zeroSnr: "diffusers" }) : tables.base;
    expect(relative(makeSchedule("beta_forge", table, steps).sigmas, sigmas)).toBeLessThan(TABLE_TOLERANCE);
  },
);

test.each(["base", "ztsnr"] as const)("k-diffusion's times of sigmas and back, %s", (name) => {
  const { sigmaToT, sigmaToTNearest, tToSigma } = fixture.kDiffusion.discrete[name];
  const table = tables[name];
  const nearest = discreteTable({ zeroSnr: name === "ztsnr" ? "comfyui" : false, rounding: "nearest" });
  // Times up to 999 from the difference of logarithms: 1e-16 over the 1e-3 between two levels.
  for (const [sigma, time] of sigmaToT) expect(Math.abs(table.timestep(sigma) - time)).toBeLessThan(1e-8);
  for (const [sigma, time] of sigmaToTNearest) expect(nearest.timestep(sigma)).toBe(time);
  expect(
    relative(
      tToSigma.map(([time]) => table.sigmaAt(time)),
      tToSigma.map(([, sigma]) => sigma),
    ),
  ).toBeLessThan(1e-9);
});
