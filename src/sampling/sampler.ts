/**
 * @file What a sampler is: a walk along the noise levels `sigmas`, from all noise to none.
 *
 * A sampler knows nothing of text, of guidance or of the network. It is given one function, `Denoise`, and calls it
 * once or more a step; everything else (prediction types, classifier-free guidance, inpainting masks) is a wrapper
 * around that function.
 *
 * One space for all families: `x = x0 + sigma * noise`, that is, the network's latents divided by the share of the
 * picture in them. `sigma` is noise over signal and runs up to infinity. At `sigma = Infinity` (zero signal-to-noise
 * ratio, or rectified flow at time 1) that form has no numbers, so there `x` is the unit noise itself; `denoise`
 * returns its guess as at any other level, and `stepTo` leaves the terminal exactly. No large number stands in for
 * infinity unless the caller's schedule says so.
 */

import { IllustriousError } from "../base/error.ts";

/** The model's best guess at the clean image, given the noisy `x` and its noise level. */
export type Denoise = (x: Float32Array, sigma: number) => Promise<Float32Array>;

/** What the caller sees once a step, before `x` moves on: enough to draw a preview, report progress or stop. */
export type Step = { index: number; sigma: number; sigmaNext: number; x: Float32Array; denoised: Float32Array };

/** Noise levels, largest first; the first may be Infinity, the last is 0 for a finished picture. */
export type Sigmas = readonly number[];

/**
 * Yields every step and returns the final image. To cancel, stop iterating. Arrays handed out are not written again.
 */
export type Walk = AsyncGenerator<Step, Float32Array>;

/** Fresh standard normals, as many as `x` has, for the step from one level to the next. */
export type StepNoise = (sigma: number, sigmaNext: number) => Float32Array;

export type SamplerOptions = {
  /** Needed by stochastic samplers, drawn at most once a step. */
  noise?: StepNoise;
  /** Share of stochasticity: 0 is the ODE, 1 the reverse diffusion. Each sampler's default is its usual one. */
  eta?: number;
  /** Factor on the drawn noise; 1 unless stated. */
  noiseScale?: number;
  /**
   * Euler's and Heun's churn: the rise of sigma before a step, shared over all steps. Karras et al. (2022), Algorithm
   * 2.
   */
  churn?: number;
  /** Noise levels at which churn acts; all unless stated. */
  churnRange?: readonly [low: number, high: number];
  /** Order of a multistep method, where it can be chosen. */
  order?: number;
  /** UniPC's second stage. */
  corrector?: boolean;
};

export type Sampler = (denoise: Denoise, x: Float32Array, sigmas: Sigmas, options?: SamplerOptions) => Walk;

export function checkSigmas(sigmas: Sigmas): void {
  if (sigmas.length < 2) {
    throw new IllustriousError(
      "bad_schedule",
      `a schedule of ${sigmas.length} noise levels has no step`,
      "Give at least two levels, the last usually 0.",
    );
  }
  for (const [i, sigma] of sigmas.entries()) {
    if (!(sigma >= 0)) {
      throw new IllustriousError("bad_schedule", `sigmas[${i}] = ${sigma}`, "Noise levels are 0 or larger.");
    }
    if (i === 0 || sigma < sigmas[i - 1]!) continue;
    throw new IllustriousError(
      "bad_schedule",
      `sigmas must fall: sigmas[${i - 1}] = ${sigmas[i - 1]}, sigmas[${i}] = ${sigma}`,
      "Schedules start at the largest noise level; reverse the array.",
    );
  }
}

/**
 * Along the straight line from the clean guess through `x`, to the level `next`: `denoised + (next / sigma) (x -
 * denoised)`, and from the terminal `denoised + next * x`, its limit. Written as this interpolation because the usual
 * `x + (next - sigma) * slope` loses thirty times the precision at sigma in the thousands.
 */
export function stepTo(x: Float32Array, denoised: Float32Array, sigma: number, next: number): Float32Array {
  if (sigma === Number.POSITIVE_INFINITY) return x.map((noise, k) => denoised[k]! + next * noise);
  const keep = next / sigma;
  return x.map((v, k) => denoised[k]! + keep * (v - denoised[k]!));
}

/**
 * The noise that `x` holds if `denoised` is its clean image: `(x - denoised) / sigma`, and `x` itself at the terminal.
 */
export function noiseIn(x: Float32Array, denoised: Float32Array, sigma: number): Float32Array {
  if (sigma === Number.POSITIVE_INFINITY) return x;
  return x.map((v, k) => (v - denoised[k]!) / sigma);
}

/** `next / sigma`, the share of the old noise that a step keeps; 0 from the terminal. */
export function noiseRatio(sigma: number, next: number): number {
  return sigma === Number.POSITIVE_INFINITY ? 0 : next / sigma;
}

/** Draws the step's noise, times `scale`, onto `x`. */
export function addNoise(
  x: Float32Array,
  scale: number,
  options: SamplerOptions,
  sigma: number,
  next: number,
): Float32Array {
  if (scale === 0) return x;
  if (!options.noise) {
    throw new IllustriousError(
      "bad_option",
      `a stochastic step from sigma ${sigma} to ${next} needs noise, and the sampler was given none`,
      "Pass `noise`, or eta 0 for the deterministic form.",
    );
  }
  const noise = options.noise(sigma, next);
  if (noise.length !== x.length) {
    throw new IllustriousError("bad_shape", `noise has ${noise.length} numbers and x has ${x.length}`);
  }
  const factor = scale * (options.noiseScale ?? 1);
  return x.map((v, k) => v + factor * noise[k]!);
}
