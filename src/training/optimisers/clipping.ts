/** @file Clipping by the norm of all gradients together: Pascanu et al. (2013), Algorithm 1, as PyTorch has it. */

import { sumOfSquares } from "./kernels/kernels.ts";

/** The root of the sum of all squares. Not finite if one number is not. */
export function globalNorm(gradients: readonly Float32Array[]): number {
  let total = 0;
  for (const gradient of gradients) total += sumOfSquares(gradient, 0, gradient.length);
  return Math.sqrt(total);
}

/**
 * The factor on all gradients, to be given to an optimiser's step as (part of) its `gradientScale`. 0 or less as `maxNorm`
 * is no clipping, as in kohya's max_grad_norm. A norm that is not finite gives NaN: such a step should be left out.
 */
export function clipScale(norm: number, maxNorm: number): number {
  if (!Number.isFinite(norm)) return Number.NaN;
  return maxNorm <= 0 ? 1 : Math.min(1, maxNorm / (norm + 1e-6));
}
