/** @file The schedule that a sampler walks on: a named one, with what that sampler needs of it. */

import type { SamplerName } from "./samplers/named.ts";
import { makeSchedule, type Schedule, type ScheduleName } from "./schedules/schedule.ts";
import type { NoiseTable } from "./tables.ts";

/**
 * `makeSchedule` as ComfyUI calls it for `sampler`: UniPC's last step would otherwise be several times longer than the
 * one before, so for it the level before 0 is left out.
 */
export function scheduleFor(sampler: SamplerName, name: ScheduleName, table: NoiseTable, steps: number): Schedule {
  return makeSchedule(name, table, steps, { discardPenultimate: sampler.startsWith("uni_pc") });
}
