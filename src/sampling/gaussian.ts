/**
 * @file The one kind of data where everything is known: numbers drawn independently from a normal distribution. Its
 * best denoiser and the exact end of every walk are closed forms, so that a sampler can be judged without a network.
 */

import type { Denoise } from "./sampler.ts";

export type Gaussian = { mean: number; deviation: number };

/** The best guess at the clean number: `(deviation^2 x + sigma^2 mean) / (deviation^2 + sigma^2)`. */
export function gaussianDenoise({ mean, deviation }: Gaussian): Denoise {
  return async (x, sigma) => {
    const keep = sigma === Number.POSITIVE_INFINITY ? 0 : deviation ** 2 / (deviation ** 2 + sigma ** 2);
    return x.map((v) => mean + keep * (v - mean));
  };
}

/** Where the probability-flow ODE takes `x` from the level `sigma` to the level `next`. */
export function gaussianPath({ mean, deviation }: Gaussian, x: number, sigma: number, next: number): number {
  const spread = Math.hypot(deviation, next);
  if (sigma === Number.POSITIVE_INFINITY) return mean + x * spread;
  return mean + ((x - mean) * spread) / Math.hypot(deviation, sigma);
}
