/**
 * @file An exponential moving average of the parameters: Polyak and Juditsky (1992), in the form of the diffusers library.
 * Averages are float32: with decay d they stop moving where a parameter differs by less than 6e-8 / (1 - d) of itself,
 * 0.06 % at d = 0.9999.
 */

export type EmaOptions = {
  /** The decay that is reached in the end. 0.9999 for long runs, 0.999 or less for short ones. */
  decay: number;
  /**
   * How it is reached after n updates. "ramp", the default: (1 + n) / (10 + n). "power": 1 - (1 + n / inverseGamma)^-power,
   * with which diffusers and k-diffusion reach 0.999 after 31,000 updates at a power of 2/3. "none": from the start.
   */
  warmup?: "ramp" | "power" | "none";
  /** Default 1. */
  inverseGamma?: number;
  /** Default 2/3. */
  power?: number;
};

/** The decay of update `update`, counted from 1. The first one copies, so that an average begins at the parameters. */
export function emaDecay(update: number, options: EmaOptions): number {
  const { decay, warmup = "ramp", inverseGamma = 1, power = 2 / 3 } = options;
  const n = update - 1;
  if (n <= 0) return 0;
  if (warmup === "none") return decay;
  return Math.min(decay, warmup === "ramp" ? (1 + n) / (10 + n) : 1 - (1 + n / inverseGamma) ** -power);
}

/** Moves `average` towards `values`, in place: all of it, or the numbers from `start` to `end`. */
export function emaStep(
  average: Float32Array,
  values: Float32Array,
  decay: number,
  start = 0,
  end = average.length,
): void {
  const part = 1 - decay;
  for (let k = start; k < end; k++) average[k] = average[k]! + part * (values[k]! - average[k]!);
}
