/**
 * @file Schedules that divide time: each picks trained levels, or points between them, by their number.
 *
 * A table of T levels numbers them 0 to T - 1. The results fall and do not end in 0. `leading`, `linspace` and
 * `trailing` are diffusers' spacings, Lin et al. (2023), table 2; the other names are ComfyUI's.
 */

import type { NoiseTable } from "../tables.ts";
import { betaQuantile } from "./beta-quantile.ts";

/** Evenly from the last time to the first, both included; A1111's "Uniform", k-diffusion's `get_sigmas`. */
export function normal(table: NoiseTable, steps: number): number[] {
  return evenTimes(table, steps, steps - 1);
}

/** As many even parts as steps, so the first level itself is not visited. */
export function sgmUniform(table: NoiseTable, steps: number): number[] {
  return evenTimes(table, steps, steps);
}

function evenTimes(table: NoiseTable, steps: number, parts: number): number[] {
  const span = table.lastTime - table.firstTime;
  return Array.from({ length: steps }, (_, i) => table.sigmaAt(table.lastTime - (span * i) / Math.max(parts, 1)));
}

/**
 * Every (T / steps)-th level from the last. Where that is no integer, `trailing` rounds to the nearest, this upwards.
 */
export function simple(table: NoiseTable, steps: number): number[] {
  const levels = table.sigmas.length;
  return pick(
    table,
    stepsOf(steps, (i) => levels - 1 - Math.floor(i * (levels / steps))),
  );
}

/** Every floor(T / steps)-th level from level 1 up, so the last level is missed, and a remainder gives a step more. */
export function ddimUniform(table: NoiseTable, steps: number): number[] {
  const levels = table.sigmas.length;
  const stride = Math.floor(levels / steps);
  return pick(table, stepsOf(Math.ceil((levels - 1) / stride), (i) => 1 + i * stride).reverse());
}

/** `round(T - i T / steps) - 1`: the last level is visited, the first is not. The spacing for zero terminal SNR. */
export function trailing(table: NoiseTable, steps: number): number[] {
  const levels = table.sigmas.length;
  return pick(
    table,
    stepsOf(steps, (i) => roundHalfEven(levels - i * (levels / steps)) - 1),
  );
}

/** `floor(T / steps) i + 1`: the last level is missed. The offset of 1 is that of SDXL's published configuration. */
export function leading(table: NoiseTable, steps: number): number[] {
  const stride = Math.floor(table.sigmas.length / steps);
  return pick(
    table,
    stepsOf(steps, (i) => (steps - 1 - i) * stride + 1),
  );
}

/** `normal` rounded to trained levels, as diffusers' DDIM has it. */
export function linspace(table: NoiseTable, steps: number): number[] {
  const last = table.sigmas.length - 1;
  return pick(
    table,
    stepsOf(steps, (i) => roundHalfEven(last - (last * i) / Math.max(steps - 1, 1))),
  );
}

/**
 * Levels at the quantiles of Beta(0.6, 0.6): dense at both ends. Lee et al. (2024), "Beta sampling is all you need".
 * Levels that coincide are visited once, so there may be fewer steps than asked for.
 */
export function beta(table: NoiseTable, steps: number): number[] {
  const last = table.sigmas.length - 1;
  const indices = stepsOf(steps, (i) => roundHalfEven(betaQuantile(1 - i / steps, 0.6, 0.6) * last));
  return pick(table, [...new Set(indices)]);
}

function pick(table: NoiseTable, indices: readonly number[]): number[] {
  return indices.map((index) => table.sigmas[index]!);
}

function stepsOf(steps: number, level: (i: number) => number): number[] {
  return Array.from({ length: steps }, (_, i) => level(i));
}

/** As numpy rounds, which the published spacings do. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
