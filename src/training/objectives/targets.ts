/**
 * @file What a network is shown and what it should answer: the input and the target of one training example.
 *
 * VP form (SDXL): alpha = 1 / sqrt(1 + sigma^2) is the share of signal and sqrt(1 - alpha^2) that of noise, for the
 * sigma of `NoiseTable`; at sigma = Infinity they are 0 and 1 exactly, without a stand-in. Rectified flow: s = sigma /
 * (1 + sigma), input (1 - s) x0 + s noise. The signs are those by which `src/sampling/prediction.ts` reads a network.
 */

import { IllustriousError } from "../../base/error.ts";
import { flowTime, type NoiseTable } from "../../sampling/tables.ts";

/** What a network is trained to answer: the noise; v = alpha noise - sigma x0; or noise - x0 along a straight line. */
export type TrainedPrediction = "eps" | "v" | "flow";

export const trainedPredictions: readonly TrainedPrediction[] = ["eps", "v", "flow"];

/** Shares of signal and noise in the network's input; their squares add to 1 but for flow, where they themselves do. */
export type Mixture = { signal: number; noise: number };

export function mixtureAt(prediction: TrainedPrediction, sigma: number): Mixture {
  if (sigma === Number.POSITIVE_INFINITY) return { signal: 0, noise: 1 };
  if (prediction === "flow") return { signal: 1 / (1 + sigma), noise: flowTime(sigma) };
  const total = Math.hypot(sigma, 1);
  return { signal: 1 / total, noise: sigma / total };
}

/** alpha^2 / sigma_vp^2, the signal-to-noise ratio that all weights are functions of; 0 at sigma = Infinity. */
export function snrOf(sigma: number): number {
  return 1 / (sigma * sigma);
}

/**
 * The network's input, `signal x0 + noise share * noise`. `x0` and `noise`: one picture's latents, flat.
 * Ho et al. (2020), equation 4; for flow, Liu et al. (2022), "Flow straight and fast", equation 1 with noise at time 1.
 */
export function noisedInput(
  prediction: TrainedPrediction,
  sigma: number,
  x0: Float32Array,
  noise: Float32Array,
): Float32Array {
  checkLengths(x0, noise);
  const { signal, noise: share } = mixtureAt(prediction, sigma);
  return x0.map((v, k) => signal * v + share * noise[k]!);
}

/**
 * What the network should answer. v: Salimans and Ho (2022), "Progressive distillation", section 4; at
 * zero SNR it is -x0, whatever the noise (Lin et al. 2023, equation 11). Flow: Liu et al. (2022), equation 1, whose
 * direction is ours reversed.
 */
export function targetOf(
  prediction: TrainedPrediction,
  sigma: number,
  x0: Float32Array,
  noise: Float32Array,
): Float32Array {
  checkLengths(x0, noise);
  if (prediction === "eps") return noise.slice();
  if (prediction === "flow") return noise.map((n, k) => n - x0[k]!);
  const { signal, noise: share } = mixtureAt(prediction, sigma);
  return noise.map((n, k) => signal * n - share * x0[k]!);
}

/** The table's family that a prediction is trained on. */
export function familyOf(prediction: TrainedPrediction): NoiseTable["family"] {
  return prediction === "flow" ? "flow" : "discrete";
}

/** Whether level `index` is the terminal one: without signal, or the stand-in for it in a rescaled table. */
export function isTerminal(table: NoiseTable, index: number): boolean {
  return table.zeroSnr !== false && index === table.sigmas.length - 1;
}

function checkLengths(x0: Float32Array, noise: Float32Array): void {
  if (x0.length === noise.length) return;
  throw new IllustriousError("bad_shape", `noise of ${noise.length} numbers for latents of ${x0.length}`);
}
