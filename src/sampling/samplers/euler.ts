/**
 * @file Euler steps, plain and ancestral. Karras et al. (2022), Algorithm 2 at first order; the ancestral split is
 * k-diffusion's.
 */

import {
  addNoise,
  checkSigmas,
  type Denoise,
  noiseRatio,
  type SamplerOptions,
  type Sigmas,
  stepTo,
  type Walk,
} from "../sampler.ts";
import { churned } from "./churn.ts";

/** First order: one call of `denoise` a step. Without churn the same walk as deterministic DDIM (Song et al. 2020). */
export async function* sampleEuler(
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
    x = stepTo(from.x, denoised, from.sigma, sigmaNext);
  }
  return x;
}

/**
 * Euler to a lower level than the next, then up to it with fresh noise. `eta` 1 by default: the posterior's variance.
 */
export async function* sampleEulerAncestral(
  denoise: Denoise,
  x: Float32Array,
  sigmas: Sigmas,
  options: SamplerOptions = {},
): Walk {
  checkSigmas(sigmas);
  for (let index = 0; index < sigmas.length - 1; index++) {
    const sigma = sigmas[index]!;
    const sigmaNext = sigmas[index + 1]!;
    const denoised = await denoise(x, sigma);
    yield { index, sigma, sigmaNext, x, denoised };
    const { down, up } = ancestralSplit(sigma, sigmaNext, options.eta ?? 1);
    x = addNoise(stepTo(x, denoised, sigma, down), up, options, sigma, sigmaNext);
  }
  return x;
}

/** The level to step down to and the noise to add, so that the variances sum to the next level's. */
export function ancestralSplit(sigma: number, next: number, eta: number): { down: number; up: number } {
  const up = Math.min(next, eta * next * Math.sqrt(1 - noiseRatio(sigma, next) ** 2));
  return { down: Math.sqrt(next * next - up * up), up };
}
