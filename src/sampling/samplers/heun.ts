/**
 * @file Heun steps on the probability-flow ODE. Karras et al. (2022), Algorithm 2.
 *
 * Heun averages the slopes at both ends of a step, over sigma. From an infinite sigma there is no such average, and
 * from a stand-in such as 4518 it multiplies every difference between the two guesses by |step| / (2 next): 38 for the
 * first of 28 steps. So from the terminal the same average is taken over rectified time, sigma / (1 + sigma), in which
 * that step is as short as the others; the factor is then (1 + 1 / next) / 2, about one half, and the order stays two.
 */

import { checkSigmas, type Denoise, type SamplerOptions, type Sigmas, stepTo, type Walk } from "../sampler.ts";
import { churned } from "./churn.ts";

/** Second order: two calls a step, but for the last, whose slope at sigma = 0 is undefined. */
export async function* sampleHeun(
  denoise: Denoise,
  x: Float32Array,
  sigmas: Sigmas,
  options: SamplerOptions = {},
): Walk {
  checkSigmas(sigmas);
  for (let index = 0; index < sigmas.length - 1; index++) {
    const sigmaNext = sigmas[index + 1]!;
    const from = churned(x, sigmas[index]!, sigmaNext, sigmas.length - 1, options);
    const denoised = await denoise(from.x, from.sigma);
    yield { index, sigma: from.sigma, sigmaNext, x: from.x, denoised };
    const guess = stepTo(from.x, denoised, from.sigma, sigmaNext);
    if (sigmaNext === 0) return guess;
    const denoisedNext = await denoise(guess, sigmaNext);
    const weight = meanSlopeWeight(from.sigma, sigmaNext);
    x = guess.map((v, k) => v + weight * (denoisedNext[k]! - denoised[k]!));
  }
  return x;
}

/**
 * The mean of the two slopes, written as Euler's step plus this share of the difference of the two guesses. It is exact
 * algebra: with slopes (x - D) / sigma the rest of the step cancels, and with it the cancellation of large numbers.
 */
function meanSlopeWeight(sigma: number, next: number): number {
  return sigma === Number.POSITIVE_INFINITY ? (1 + 1 / next) / 2 : (sigma - next) / (2 * next);
}
