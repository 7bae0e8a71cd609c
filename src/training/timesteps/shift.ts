/**
 * @file Larger pictures need more noise for the same loss of content: a draw's sigma is multiplied by a factor `a`, and
 * the network is told of the level that has that sigma. Esser et al. (2024), equation 23: s' = a s / (1 + (a - 1) s) for
 * flow; the same factor on sigma for SDXL's levels, ln SNR less 2 ln a. To keep the level that the network is told and
 * change its noise instead, train on a table that is made with `shift`.
 */

import { IllustriousError } from "../../base/error.ts";
import type { NoiseTable } from "../../sampling/tables.ts";

/**
 * The factor for a picture against the size that a schedule was made for: the square root of the ratio of areas, so that
 * the mean of either picture has the same SNR.
 */
export function shiftForSize(width: number, height: number, side = 1024): number {
  if (!(width > 0 && height > 0 && side > 0)) {
    throw new IllustriousError("bad_option", `size ${width} x ${height} against side ${side}`, "Sizes are positive.");
  }
  return Math.sqrt(width * height) / side;
}

/**
 * Maps u on [0, 1], where level i of the table's n is the interval [i / n, (i + 1) / n], to the u of `a` times its sigma.
 * What would lie beyond the table's last level falls on its end.
 */
export function shiftedPlace(table: NoiseTable, u: number, a: number): number {
  if (a === 1) return u;
  const levels = table.sigmas.length;
  return (placeOf(table, a * sigmaAtPlace(table, u * levels - 0.5)) + 0.5) / levels;
}

/** Half a level before the first and after the last is where the first begins and the last ends; tables stop at their ends. */
function sigmaAtPlace(table: NoiseTable, place: number): number {
  return table.sigmaAt(table.firstTime + place);
}

/**
 * The u from which on `shiftedPlace` gives `level` or more: the lower edge of what is drawn as that level. 0 where every
 * draw lies above it, 1 where none does.
 */
export function edgeBefore(table: NoiseTable, level: number, a: number): number {
  const levels = table.sigmas.length;
  if (level <= 0) return 0;
  if (level >= levels) return 1;
  if (a === 1) return level / levels;
  const sigma = sigmaAtPlace(table, level - 0.5) / a;
  if (sigma <= sigmaAtPlace(table, -0.5)) return 0;
  if (sigma > sigmaAtPlace(table, levels - 0.5)) return 1;
  return (placeOf(table, sigma) + 0.5) / levels;
}

/** The place of a sigma among the n levels, -1/2 to n - 1/2: the inverse of the table's own `sigmaAt`, by bisection. */
function placeOf(table: NoiseTable, sigma: number): number {
  let [low, high] = [-0.5, table.sigmas.length - 0.5];
  if (sigma <= sigmaAtPlace(table, low)) return low;
  if (sigma >= sigmaAtPlace(table, high)) return high;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (sigmaAtPlace(table, middle) < sigma) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

export function checkShift(shift: number): void {
  if (shift > 0 && Number.isFinite(shift)) return;
  throw new IllustriousError(
    "bad_option",
    `timestep shift ${shift}`,
    "A shift is a positive factor on sigma; 1 is none.",
  );
}
