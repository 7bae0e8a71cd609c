/**
 * @file Classifier-free guidance on network outputs: Ho and Salimans (2022), with the rescale of Lin et al. (2023),
 * section 3.4, and the interval of Kynkäänniemi et al. (2024).
 *
 * Guidance itself may be done on outputs or on clean guesses alike. The rescale may not: its standard deviations are
 * those of the network's own output (v for a v model), as in the paper and in diffusers.
 */

import { IllustriousError } from "../base/error.ts";
import { networkInput, type Prediction } from "./prediction.ts";
import type { Denoise } from "./sampler.ts";

export type GuidanceOptions = {
  /** 1: no guidance, and the unconditional half is not computed. */
  scale: number;
  /** Share phi of the rescaled result, 0 to 1; the paper likes 0.7, v-prediction anime models 0.2. */
  rescale?: number;
  /** Guide only at low < sigma <= high; elsewhere the conditional output stands. SDXL in the paper: [0.28, 5.42]. */
  interval?: readonly [low: number, high: number];
};

/** Both halves of the network's answer; `unconditional` may be missing when it was not asked for. */
export type OutputPair = { conditional: Float32Array; unconditional?: Float32Array };

/** A network call that runs both halves, or, when `both` is false, the conditional one alone. */
export type PairCall = (input: Float32Array, timestep: number, both: boolean) => Promise<OutputPair>;

/** The guidance scale in force at a noise level: 1 outside the interval. */
export function guidanceScaleAt(options: GuidanceOptions, sigma: number): number {
  const [low, high] = options.interval ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return sigma > low && sigma <= high ? options.scale : 1;
}

/**
 * `unconditional + scale * (conditional - unconditional)`, then the rescale per picture: `batch` pictures of equal size
 * lie one after another, and each has its own standard deviations over channels, height and width.
 */
export function guide(
  conditional: Float32Array,
  unconditional: Float32Array,
  options: GuidanceOptions,
  layout: { batch: number },
): Float32Array {
  const { scale, rescale = 0 } = options;
  const size = conditional.length / layout.batch;
  if (conditional.length !== unconditional.length || !Number.isInteger(size)) {
    throw new IllustriousError(
      "bad_shape",
      `guidance over ${conditional.length} and ${unconditional.length} numbers in ${layout.batch} pictures`,
    );
  }
  const out = unconditional.map((u, k) => u + scale * (conditional[k]! - u));
  if (rescale === 0) return out;
  for (let start = 0; start < out.length; start += size) {
    const picture = out.subarray(start, start + size);
    const guided = standardDeviation(picture);
    // A constant output has nothing to rescale, and the quotient would be 0 / 0.
    if (guided === 0) continue;
    const factor = standardDeviation(conditional.subarray(start, start + size)) / guided;
    const mixed = rescale * factor + 1 - rescale;
    for (let k = 0; k < size; k++) picture[k]! *= mixed;
  }
  return out;
}

/** The `denoise` of a guided network; the unconditional half is asked for only where guidance acts. */
export function guidedDenoise(
  prediction: Prediction,
  network: PairCall,
  options: GuidanceOptions,
  layout: { batch: number },
): Denoise {
  checkGuidance(options);
  return async (x, sigma) => {
    const scale = guidanceScaleAt(options, sigma);
    const both = scale !== 1;
    const input = networkInput(prediction, x, sigma);
    const { conditional, unconditional } = await network(input, prediction.timestep(sigma), both);
    if (!both) return prediction.denoised(x, conditional, sigma);
    if (!unconditional) {
      throw new IllustriousError("bad_option", `guidance ${scale} at sigma ${sigma} without the unconditional output`);
    }
    return prediction.denoised(x, guide(conditional, unconditional, { ...options, scale }, layout), sigma);
  };
}

function checkGuidance({ scale, rescale = 0, interval }: GuidanceOptions): void {
  if (!Number.isFinite(scale))
    throw new IllustriousError("bad_option", `guidance scale ${scale}`, "Give a number; 5 is usual.");
  if (!(rescale >= 0 && rescale <= 1)) {
    throw new IllustriousError("bad_option", `guidance rescale ${rescale}`, "Give a share from 0 to 1.");
  }
  if (interval && !(interval[0] < interval[1])) {
    throw new IllustriousError("bad_option", `guidance interval ${interval[0]} to ${interval[1]}`, "Give low < high.");
  }
}

function standardDeviation(values: Float32Array): number {
  let mean = 0;
  for (const v of values) mean += v / values.length;
  let square = 0;
  for (const v of values) square += (v - mean) ** 2;
  return Math.sqrt(square / values.length);
}
