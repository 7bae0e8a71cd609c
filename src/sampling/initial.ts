/** @file Where a walk starts: noise, or a picture with noise on it. */

import { IllustriousError } from "../base/error.ts";

/**
 * How strong pure starting noise is. "unit": `sqrt(1 + sigma^2)`, so that the network's first input is exactly
 * the noise; ComfyUI's way and diffusers' for DDIM and `leading`, and the one whose limit is the exact terminal.
 * "sigma": diffusers' for its other spacings, and the A1111 web UI's unless its "SGM noise multiplier" is on; 0.2 % weaker
 * at SDXL's 14.6. (A1111's DDIM and UniPC keep `x` unit and so are "unit" whatever it says.)
 */
export type StartConvention = "unit" | "sigma";

/** `x` at the schedule's first level, from standard normals `noise`. At `sigma = Infinity` that is the noise itself. */
export function initialLatents(noise: Float32Array, sigma: number, convention: StartConvention = "unit"): Float32Array {
  if (sigma === Number.POSITIVE_INFINITY) return noise;
  const scale = convention === "unit" ? Math.hypot(1, sigma) : sigma;
  return noise.map((n) => scale * n);
}

/**
 * A picture's latents at a noise level, for image-to-image and for noising what a mask keeps: `latents + sigma *
 * noise`.
 */
export function noisedLatents(latents: Float32Array, noise: Float32Array, sigma: number): Float32Array {
  if (latents.length !== noise.length) {
    throw new IllustriousError("bad_shape", `noise has ${noise.length} numbers and the latents ${latents.length}`);
  }
  if (sigma === Number.POSITIVE_INFINITY) return noise;
  return latents.map((x0, k) => x0 + sigma * noise[k]!);
}
