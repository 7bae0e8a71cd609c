/**
 * @file Noise levels as an explicit list of betas: diffusers' `trained_betas`, the one way in which its schedulers for eps and
 * v can be told of levels that are no curve of theirs.
 *
 * diffusers keeps the list in float32, rounds 1 - beta to float32 too, and rescales it like any other where
 * `rescale_betas_zero_snr` is set, which leaves a list that ends in 1 as it is.
 */

import { discreteTable } from "./tables.ts";

/**
 * The betas of these levels: 1 - abar_t / abar_(t-1) with abar = 1 / (1 + sigma^2), in a form that does not lose small ones.
 *
 * @param sigmas rising; the last may be Infinity, whose beta is 1
 */
export function betasOfSigmas(sigmas: ArrayLike<number>): number[] {
  return Array.from(sigmas, (sigma, t) => {
    if (sigma === Number.POSITIVE_INFINITY) return 1;
    const before = t === 0 ? 0 : sigmas[t - 1]!;
    return ((sigma - before) * (sigma + before)) / (1 + sigma * sigma);
  });
}

/** Rounding in float32 moves the first sigmas of a schedule that is shifted to an eighth by a quarter of a percent. */
const TOLERANCE = 0.01;

/**
 * The factor on SDXL's sigmas that makes these levels, 1 for SDXL's own; undefined for another schedule's.
 *
 * @param zeroSnr the list is rescaled, if it does not end in 1 already
 * @param said a factor that is believed where the list agrees with it
 */
export function shiftOfBetas(betas: readonly number[], zeroSnr: boolean, said?: number): number | undefined {
  const isZero = zeroSnr || betas.at(-1) === 1;
  const plain = discreteTable({ zeroSnr: isZero && "exact" }).sigmas;
  const own = discreteTable({ betas, zeroSnr: isZero && "exact" }).sigmas;
  if (own.length !== plain.length) return undefined;
  const middle = plain.length >> 1;
  const isShiftedBy = (shift: number) =>
    own.every((sigma, t) => sigma === plain[t] || Math.abs(sigma / (shift * plain[t]!) - 1) <= TOLERANCE);
  const candidates = [...(said === undefined ? [] : [said]), 1, own[middle]! / plain[middle]!];
  return candidates.find(isShiftedBy);
}
