/** @file Noise schedules by name: which levels a sampler visits. Names are ComfyUI's, diffusers' three spacings beside them. */

import { IllustriousError } from "../../base/error.ts";
import type { Finding } from "../finding.ts";
import type { NoiseTable } from "../tables.ts";
import { normal, sgmUniform, simple } from "./times.ts";

/** The levels of a schedule, largest first and without the final 0. */
type Levels = (table: NoiseTable, steps: number) => number[];

const schedules = { normal, sgm_uniform: sgmUniform, simple } satisfies Record<string, Levels>;

export type ScheduleName = keyof typeof schedules;

export type Schedule = {
  /** Falling, ending in 0: one more than the steps. */
  sigmas: number[];
  /** What the network is told at each step. */
  timesteps: number[];
  warnings: Finding[];
};

export const scheduleNames: readonly ScheduleName[] = Object.keys(schedules) as ScheduleName[];

export function makeSchedule(name: ScheduleName, table: NoiseTable, steps: number): Schedule {
  if (!Number.isInteger(steps) || steps < 1) {
    throw new IllustriousError("bad_option", `${steps} steps`, "Steps are a positive integer.");
  }
  const levels = schedules[name](table, steps);
  return { sigmas: [...levels, 0], timesteps: levels.map((sigma) => table.timestep(sigma)), warnings: [] };
}
