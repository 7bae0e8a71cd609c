/**
 * @file Churn: noise added back before a step, so that a deterministic walk forgets its errors. Karras et al. (2022),
 * Algorithm 2.
 */

import { addNoise, type SamplerOptions } from "../sampler.ts";

/** `x` raised to the level `sigma (1 + gamma)`, and that level. The terminal has nothing above it. */
export function churned(
  x: Float32Array,
  sigma: number,
  sigmaNext: number,
  steps: number,
  options: SamplerOptions,
): { x: Float32Array; sigma: number } {
  const { churn = 0, churnRange: [low, high] = [0, Number.POSITIVE_INFINITY] } = options;
  if (churn === 0 || sigma < low || sigma > high || sigma === Number.POSITIVE_INFINITY) return { x, sigma };
  const gamma = Math.min(churn / steps, Math.SQRT2 - 1);
  const raised = sigma * (1 + gamma);
  return { x: addNoise(x, Math.sqrt(raised ** 2 - sigma ** 2), options, sigma, sigmaNext), sigma: raised };
}
