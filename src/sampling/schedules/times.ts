/**
 * @file Schedules that divide time: each picks trained levels, or points between them, by their number.
 *
 * A table of T levels numbers them 0 to T - 1. The results fall and do not end in 0.
 */

import type { NoiseTable } from "../tables.ts";

/** ComfyUI's `normal` (A1111 "Uniform"): evenly from the last time to the first, both included. */
export function normal(table: NoiseTable, steps: number): number[] {
  return evenTimes(table, steps, steps - 1);
}

/** ComfyUI's `sgm_uniform`: as many even parts as steps, so the first level itself is not visited. */
export function sgmUniform(table: NoiseTable, steps: number): number[] {
  return evenTimes(table, steps, steps);
}

function evenTimes(table: NoiseTable, steps: number, parts: number): number[] {
  const span = table.lastTime - table.firstTime;
  return Array.from({ length: steps }, (_, i) => table.sigmaAt(table.lastTime - (span * i) / Math.max(parts, 1)));
}

/** ComfyUI's `simple`: every (T / steps)-th level from the last, rounded towards it. */
export function simple(table: NoiseTable, steps: number): number[] {
  const levels = table.sigmas.length;
  return pick(
    table,
    Array.from({ length: steps }, (_, i) => levels - 1 - Math.floor(i * (levels / steps))),
  );
}

export function pick(table: NoiseTable, indices: readonly number[]): number[] {
  return indices.map((index) => table.sigmas[index]!);
}
