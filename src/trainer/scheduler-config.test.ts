/** @file What diffusers' schedulers make of the file, by their own formulas, against the levels that were trained on. */

import { expect, test } from "vitest";
import { detectPrediction } from "../models/sdxl/prediction.ts";
import { noiseModelOf } from "../pipeline/noise-model.ts";
import { discreteTable } from "../sampling/index.ts";
import { schedulerConfig, trainedSchedule } from "./scheduler-config.ts";

type Rounding = (x: number) => number;
const float64: Rounding = (x) => x;

/** SDXL's betas: linear in their square root. */
const sdxl = Array.from({ length: 1000 }, (_, t) => {
  return (Math.sqrt(0.00085) + ((Math.sqrt(0.012) - Math.sqrt(0.00085)) * t) / 999) ** 2;
});

function products(factors: readonly number[], round: Rounding): number[] {
  let product = 1;
  return factors.map((factor) => {
    product = round(product * factor);
    return product;
  });
}

/** diffusers, `rescale_zero_terminal_snr`, line by line. */
function rescaled(betas: readonly number[], round: Rounding): number[] {
  const alphaBars = products(
    betas.map((beta) => round(1 - beta)),
    round,
  );
  const root = alphaBars.map((a) => round(Math.sqrt(a)));
  const [first, last] = [root[0]!, root.at(-1)!];
  const bars = root.map((a) => round(round(round(a - last) * round(first / round(first - last))) ** 2));
  return bars.map((bar, t) => round(1 - (t === 0 ? bar : round(bar / bars[t - 1]!))));
}

/** The constructor of diffusers' schedulers, but for Euler's stand-in 2^-24 for an alpha-bar of 0. */
function sigmasOfDiffusers(config: { trained_betas?: unknown; rescale_betas_zero_snr?: unknown }, round: Rounding) {
  const given = (config.trained_betas as number[] | undefined) ?? sdxl;
  const betas = given.map(round);
  const used = config.rescale_betas_zero_snr === true ? rescaled(betas, round) : betas;
  const bars = products(
    used.map((beta) => round(1 - beta)),
    round,
  );
  return bars.map((bar) => Math.sqrt((1 - bar) / bar));
}

/** What the recipe means: SDXL's levels, rescaled if they are to be, each sigma multiplied. */
function shiftedSigmas(shift: number, zeroSnr: boolean): number[] {
  return sigmasOfDiffusers({ rescale_betas_zero_snr: zeroSnr }, float64).map((sigma) => shift * sigma);
}

/** The largest relative difference; levels of no signal must be the same ones. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  const infinite = (list: ArrayLike<number>) => Array.from(list).indexOf(Number.POSITIVE_INFINITY);
  expect(infinite(a)).toBe(infinite(b));
  const ratios = Array.from(a, (x, t) => (Number.isFinite(x) ? Math.abs(x / b[t]! - 1) : 0));
  return Math.max(...ratios);
}

const schedules = [0.125, 0.5, 1, 2].flatMap((shift) => [
  { prediction: "eps" as const, zeroSnr: false, shift },
  { prediction: "v" as const, zeroSnr: false, shift },
  { prediction: "v" as const, zeroSnr: true, shift },
]);

test.each(schedules)(
  "$prediction, zero SNR $zeroSnr, shift $shift: diffusers goes by the trained levels",
  (schedule) => {
    const config = JSON.parse(JSON.stringify(schedulerConfig(schedule)));
    const meant = shiftedSigmas(schedule.shift, schedule.zeroSnr);
    // Subtracting from 1 what is near 0, or squares that are near each other, loses digits: of a double's 16 ten are left.
    expect(difference(sigmasOfDiffusers(config, float64), meant)).toBeLessThan(1e-10);
    // In diffusers' own float32 the least noisy levels suffer: 1 - beta moves by 6e-8, of betas that are 1e-5.
    expect(difference(sigmasOfDiffusers(config, Math.fround), meant)).toBeLessThan(schedule.shift < 1 ? 5e-3 : 5e-4);
  },
);

function tableRead(json: unknown) {
  const scheduler = { source: "scheduler_config.json", json };
  const detection = detectPrediction({
    tensors: new Set(),
    scalars: new Map(),
    metadata: new Map(),
    scheduler,
    names: [],
  });
  expect(detection.conflicts).toEqual([]);
  return noiseModelOf(detection, { zeroSnr: "auto", rounding: "interpolate" }).table;
}

test.each(schedules)("$prediction, zero SNR $zeroSnr, shift $shift: we read back what was trained", (schedule) => {
  const table = tableRead(JSON.parse(JSON.stringify(schedulerConfig(schedule))));
  expect([table.shift, table.zeroSnr]).toEqual([schedule.shift, schedule.zeroSnr && "exact"]);
  expect(difference(table.sigmas, shiftedSigmas(schedule.shift, schedule.zeroSnr))).toBeLessThan(1e-10);
});

test("a list of levels is written as it was trained, and read back", () => {
  const betas = Array.from({ length: 1000 }, (_, t) => (t === 999 ? 1 : 1e-4 + 2e-5 * t));
  const table = discreteTable({ betas, shift: 2 });
  const config = JSON.parse(JSON.stringify(schedulerConfig(trainedSchedule({ prediction: "v", table }))));
  const meant = sigmasOfDiffusers({ trained_betas: betas }, float64).map((sigma) => 2 * sigma);
  expect(difference(sigmasOfDiffusers(config, float64), meant)).toBeLessThan(1e-10);
  const read = tableRead(config);
  expect([read.isListed, read.shift, read.zeroSnr]).toEqual([true, 1, "exact"]);
  expect(difference(read.sigmas, meant)).toBeLessThan(1e-10);
});

test("a list of another length is said to be so long", () => {
  const table = discreteTable({ betas: [0.1, 0.2, 0.3] });
  expect(schedulerConfig(trainedSchedule({ prediction: "v", table }))).toMatchObject({ num_train_timesteps: 3 });
});

test("a flow's shift is diffusers' own", () => {
  const config = schedulerConfig({ prediction: "flow", zeroSnr: true, shift: 3 });
  expect(config).toEqual({ _class_name: "FlowMatchEulerDiscreteScheduler", num_train_timesteps: 1000, shift: 3 });
});
