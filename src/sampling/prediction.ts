/**
 * @file Prediction types: what a network's output means, and how it becomes a guess at the clean image.
 *
 * In the samplers' space (`x = x0 + sigma * noise`) each type is three numbers: the network sees `c_in x`, and the
 * guess is `c_skip x + c_out output`. Karras et al. (2022), section 5; for v, Salimans and Ho (2022), with sigma =
 * noise / signal. At `sigma = Infinity` x is unit noise, which the network sees as it is; a v-prediction there is minus
 * the picture, a flow prediction the noise minus the picture.
 */

import { IllustriousError } from "../base/error.ts";
import type { Denoise } from "./sampler.ts";
import { flowTime, type NoiseTable } from "./tables.ts";

/**
 * eps: the noise. v: signal * noise - noise share * picture. flow: noise - picture. edm_v: v with EDM's levels (CosXL).
 */
export type PredictionType = "eps" | "v" | "flow" | "edm_v";

export const predictionTypes: readonly PredictionType[] = ["eps", "v", "flow", "edm_v"];

export type Prediction = {
  type: PredictionType;
  /** Factor from `x` to the network's input. */
  inputScale(sigma: number): number;
  /** The time that the network is given. */
  timestep(sigma: number): number;
  /** The guess at the clean image. */
  denoised(x: Float32Array, output: Float32Array, sigma: number): Float32Array;
  /** The output that a network would have to give for that guess: the inverse of `denoised`. */
  outputFrom(x: Float32Array, denoised: Float32Array, sigma: number): Float32Array;
};

type Scalings = { input: number; skip: number; out: number };

/** How each type reads a network; `sigmaData` is 1 but for EDM tables. */
const scalings: Record<PredictionType, (sigma: number, sigmaData: number) => Scalings> = {
  eps: (sigma) => {
    if (sigma === Number.POSITIVE_INFINITY) throw epsAtTerminal();
    return { input: 1 / Math.hypot(sigma, 1), skip: 1, out: -sigma };
  },
  v: vScalings,
  edm_v: vScalings,
  // z = (1 - s) x0 + s noise and output = noise - x0 give x0 = z - s output; z = (1 - s) x, and the noise at time 1.
  flow: (sigma) => {
    const time = flowTime(sigma);
    const scale = sigma === Number.POSITIVE_INFINITY ? 1 : 1 - time;
    return { input: scale, skip: scale, out: -time };
  },
};

function vScalings(sigma: number, sigmaData: number): Scalings {
  if (sigma === Number.POSITIVE_INFINITY) return { input: 1, skip: 0, out: -sigmaData };
  const total = Math.hypot(sigma, sigmaData);
  return { input: 1 / total, skip: (sigmaData / total) ** 2, out: (-sigma * sigmaData) / total };
}

/** How a network trained with `type` on the levels of `table` is read. */
export function predictionFor(type: PredictionType, table: NoiseTable): Prediction {
  const family = { eps: "discrete", v: "discrete", flow: "flow", edm_v: "edm" }[type];
  if (family !== table.family) {
    throw new IllustriousError(
      "bad_option",
      `a ${type} prediction on a table of family "${table.family}"`,
      `Give a table of family "${family}".`,
    );
  }
  const at = (sigma: number) => scalings[type](sigma, table.sigmaData);
  return {
    type,
    inputScale: (sigma) => at(sigma).input,
    timestep: table.timestep,
    denoised(x, output, sigma) {
      checkLengths(x, output);
      const { skip, out } = at(sigma);
      // Not left to `0 * x`: at the terminal the guess must not depend on the noise, not even through a NaN.
      if (skip === 0) return output.map((f) => out * f);
      return x.map((v, k) => skip * v + out * output[k]!);
    },
    outputFrom(x, denoised, sigma) {
      checkLengths(x, denoised);
      const { skip, out } = at(sigma);
      return x.map((v, k) => (denoised[k]! - skip * v) / out);
    },
  };
}

/** One call of the network on a batch of latents, the same `timestep` for all. Input and output: latents, flat. */
export type NetworkCall = (input: Float32Array, timestep: number) => Promise<Float32Array>;

/** The `denoise` of a network without guidance. */
export function denoiseWith(prediction: Prediction, network: NetworkCall): Denoise {
  return async (x, sigma) => {
    const output = await network(networkInput(prediction, x, sigma), prediction.timestep(sigma));
    return prediction.denoised(x, output, sigma);
  };
}

/** What the network sees of `x`. */
export function networkInput(prediction: Prediction, x: Float32Array, sigma: number): Float32Array {
  const scale = prediction.inputScale(sigma);
  return x.map((v) => scale * v);
}

function checkLengths(x: Float32Array, other: Float32Array): void {
  if (x.length === other.length) return;
  throw new IllustriousError("bad_shape", `the network gave ${other.length} numbers for latents of ${x.length}`);
}

function epsAtTerminal(): IllustriousError {
  return new IllustriousError(
    "bad_schedule",
    "eps prediction at sigma = Infinity: pure noise tells an eps model nothing of the picture (0 / 0)",
    "Use the model's own schedule, without zero terminal SNR, or v-prediction if that is what it was trained with.",
  );
}
