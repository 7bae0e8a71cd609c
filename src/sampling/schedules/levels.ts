/**
 * @file Schedules that divide the range of sigma itself. They need a largest sigma that is a number: a table that ends
 * at infinity lends them ComfyUI's stand-in, 4518.76, and there they spend most of their steps in near-pure noise.
 */

import { finiteSigmaMax, type NoiseTable } from "../tables.ts";
import { betaQuantile } from "./beta-quantile.ts";

/** Even steps in sigma^(1/7). Karras et al. (2022), equation 5. */
export function karras(table: NoiseTable, steps: number): number[] {
  const rho = 7;
  return between(
    table,
    steps,
    (sigma) => sigma ** (1 / rho),
    (ramp) => ramp ** rho,
  );
}

/** Even steps in ln sigma. */
export function exponential(table: NoiseTable, steps: number): number[] {
  return between(table, steps, Math.log, Math.exp);
}

/**
 * Even steps in the angle whose tangent is sigma. Sabour et al. (2024), "Align your steps", its bound for Gaussian
 * data.
 */
export function klOptimal(table: NoiseTable, steps: number): number[] {
  return between(table, steps, Math.atan, Math.tan);
}

/**
 * Forge's and diffusers' reading of beta sampling: quantiles of Beta(0.6, 0.6) over sigma, where `beta` takes them over
 * time.
 */
export function betaForge(table: NoiseTable, steps: number): number[] {
  const [low, high] = range(table);
  return Array.from(
    { length: steps },
    (_, i) => low + betaQuantile(1 - i / Math.max(steps - 1, 1), 0.6, 0.6) * (high - low),
  );
}

/** From the largest sigma to the smallest, both included exactly, evenly in `to(sigma)`. */
function between(
  table: NoiseTable,
  steps: number,
  to: (sigma: number) => number,
  from: (value: number) => number,
): number[] {
  const [low, high] = range(table);
  const [first, last] = [to(high), to(low)];
  const inner = (i: number) => from(first + ((last - first) * i) / (steps - 1));
  return Array.from({ length: steps }, (_, i) => (i === 0 ? high : i === steps - 1 ? low : inner(i)));
}

function range(table: NoiseTable): [low: number, high: number] {
  return [table.sigmas[0]!, finiteSigmaMax(table)];
}
