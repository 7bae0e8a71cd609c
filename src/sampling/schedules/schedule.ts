/**
 * @file Noise schedules by name: which levels a sampler visits. Names are ComfyUI's, with `ays`, Forge's `beta_forge`
 * and diffusers' `trailing`, `leading` and `linspace` beside them.
 */

import { IllustriousError } from "../../base/error.ts";
import type { Finding } from "../finding.ts";
import type { NoiseTable } from "../tables.ts";
import { alignYourSteps } from "./align-your-steps.ts";
import { scheduleFindings } from "./findings.ts";
import { betaForge, exponential, karras, klOptimal } from "./levels.ts";
import { beta, ddimUniform, leading, linspace, normal, sgmUniform, simple, trailing } from "./times.ts";

/** The levels of a schedule, largest first and without the final 0. */
type Levels = (table: NoiseTable, steps: number) => number[];

const schedules = {
  normal,
  sgm_uniform: sgmUniform,
  simple,
  ddim_uniform: ddimUniform,
  karras,
  exponential,
  beta,
  beta_forge: betaForge,
  kl_optimal: klOptimal,
  ays: alignYourSteps,
  trailing,
  leading,
  linspace,
} satisfies Record<string, Levels>;

export type ScheduleName = keyof typeof schedules;

export const scheduleNames: readonly ScheduleName[] = Object.keys(schedules) as ScheduleName[];

export type ScheduleOptions = {
  /** Makes one step more and leaves out the level before 0, as ComfyUI does for `uni_pc` and `uni_pc_bh2`. */
  discardPenultimate?: boolean;
};

export type Schedule = {
  /** Falling, ending in 0: one more than the steps. The first is Infinity where the table's last level is. */
  sigmas: number[];
  /** What the network is told at each step. */
  timesteps: number[];
  /** What this schedule does badly on this table, and a count of steps that is not the one asked for. */
  warnings: Finding[];
};

/**
 * The noise levels for `steps` steps over the levels of `table`. `bad_option` for counts that the table cannot give.
 */
export function makeSchedule(
  name: ScheduleName,
  table: NoiseTable,
  steps: number,
  options: ScheduleOptions = {},
): Schedule {
  if (!Number.isInteger(steps) || steps < 1 || steps >= table.sigmas.length) {
    throw new IllustriousError(
      "bad_option",
      `${steps} steps`,
      `Steps are an integer from 1 to ${table.sigmas.length - 1}, one less than the model's noise levels.`,
    );
  }
  const levels = schedules[name](table, options.discardPenultimate ? steps + 1 : steps);
  if (options.discardPenultimate) levels.pop();
  return {
    sigmas: [...levels, 0],
    timesteps: levels.map((sigma) => table.timestep(sigma)),
    warnings: scheduleFindings(name, table, levels, steps),
  };
}
