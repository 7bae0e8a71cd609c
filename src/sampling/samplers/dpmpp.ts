/**
 * @file DPM-Solver++(2M) and its stochastic form. Lu et al. (2022), "DPM-Solver++", Algorithm 2 and section 5.
 *
 * The paper's lambda, half the log-SNR, is `-ln sigma` here. A step of length h in it keeps the share `exp(-h)` of what
 * `x` is away from the guess, and the second order comes from the guess of the step before. From the terminal h is
 * infinite: that step is first order, and the one after it too, since the terminal's guess is infinitely far away. This
 * is the methods' own limit; with ComfyUI's 4518.76 in its place the second of 28 steps still gives that guess a weight
 * of -0.13.
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

/** Second order, multistep, one call of `denoise` a step; the first and the last step are Euler's. */
export async function* sampleDpmpp2m(denoise: Denoise, x: Float32Array, sigmas: Sigmas): Walk {
  checkSigmas(sigmas);
  let old: Float32Array | undefined;
  for (let index = 0; index < sigmas.length - 1; index++) {
    const sigma = sigmas[index]!;
    const sigmaNext = sigmas[index + 1]!;
    const denoised = await denoise(x, sigma);
    yield { index, sigma, sigmaNext, x, denoised };
    const lead = old && sigmaNext > 0 ? stepShare(sigmas, index) / 2 : 0;
    const before = old;
    const ahead = before && lead > 0 ? denoised.map((v, k) => v + lead * (v - before[k]!)) : denoised;
    x = stepTo(x, ahead, sigma, sigmaNext);
    old = denoised;
  }
  return x;
}

/** "midpoint" as in ComfyUI's `dpmpp_2m_sde`, "heun" as in `dpmpp_2m_sde_heun`: how the guess's change enters. */
export type SdeSolver = "midpoint" | "heun";

/** Second order, multistep, with fresh noise each step. `eta` 1 by default; with 0, "midpoint" is DPM++ 2M. */
export async function* sampleDpmpp2mSde(
  denoise: Denoise,
  x: Float32Array,
  sigmas: Sigmas,
  options: SamplerOptions = {},
  solver: SdeSolver = "midpoint",
): Walk {
  checkSigmas(sigmas);
  const eta = options.eta ?? 1;
  let old: Float32Array | undefined;
  for (let index = 0; index < sigmas.length - 1; index++) {
    const sigma = sigmas[index]!;
    const sigmaNext = sigmas[index + 1]!;
    const denoised = await denoise(x, sigma);
    yield { index, sigma, sigmaNext, x, denoised };
    if (sigmaNext === 0) return denoised;
    const ratio = noiseRatio(sigma, sigmaNext);
    const keep = ratio ** (1 + eta);
    // Down to next * ratio^eta, the level whose noise the fresh one completes.
    const euler = stepTo(x, denoised, sigma, sigmaNext * ratio ** eta);
    const before = old;
    const change = old ? stepShare(sigmas, index) * sdeWeight(keep, solver) : 0;
    const mean = before && change > 0 ? euler.map((v, k) => v + change * (denoised[k]! - before[k]!)) : euler;
    x = addNoise(mean, sigmaNext * Math.sqrt(1 - ratio ** (2 * eta)), options, sigma, sigmaNext);
    old = denoised;
  }
  return x;
}

/** `dpmpp_2m_sde_heun`: the stochastic form with the "heun" solver. */
export function sampleDpmpp2mSdeHeun(
  denoise: Denoise,
  x: Float32Array,
  sigmas: Sigmas,
  options?: SamplerOptions,
): Walk {
  return sampleDpmpp2mSde(denoise, x, sigmas, options, "heun");
}

/** The weight of the guess's change, from `keep = exp(-h (1 + eta))`. */
function sdeWeight(keep: number, solver: SdeSolver): number {
  return solver === "midpoint" ? (1 - keep) / 2 : 1 + (1 - keep) / Math.log(keep);
}

/** This step's length in lambda over the last one's: 1/r in the paper; 0 after the terminal. */
function stepShare(sigmas: Sigmas, index: number): number {
  const last = Math.log(sigmas[index - 1]! / sigmas[index]!);
  return Math.log(sigmas[index]! / sigmas[index + 1]!) / last;
}
