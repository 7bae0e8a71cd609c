/**
 * @file DDIM, Song et al. (2020), "Denoising diffusion implicit models", equations 12 and 16, in the paper's own
 * variance-preserving variables. With `eta` 0 it is Euler, with any `eta` ancestral Euler (the tests hold both to it);
 * the A1111 web UI's "DDIM" is this, ComfyUI's "ddim" is its Euler.
 */

import {
  addNoise,
  checkSigmas,
  type Denoise,
  noiseIn,
  type SamplerOptions,
  type Sigmas,
  type Walk,
} from "../sampler.ts";

/** One call of `denoise` a step. `eta` 0 by default. The last step goes to the clean image, not to the first level. */
export async function* sampleDdim(
  denoise: Denoise,
  x: Float32Array,
  sigmas: Sigmas,
  options: SamplerOptions = {},
): Walk {
  checkSigmas(sigmas);
  for (let index = 0; index < sigmas.length - 1; index++) {
    const sigma = sigmas[index]!;
    const sigmaNext = sigmas[index + 1]!;
    const denoised = await denoise(x, sigma);
    yield { index, sigma, sigmaNext, x, denoised };
    const alphaBar = alphaBarAt(sigma);
    const alphaBarNext = alphaBarAt(sigmaNext);
    const noised =
      (options.eta ?? 0) * Math.sqrt(((1 - alphaBarNext) / (1 - alphaBar)) * (1 - alphaBar / alphaBarNext));
    const kept = Math.sqrt(Math.max(0, 1 - alphaBarNext - noised * noised));
    const signal = Math.sqrt(alphaBarNext);
    const eps = noiseIn(x, denoised, sigma);
    // z = signal * x0 + kept * eps + noised * fresh, divided by the signal as this project's x is.
    const mean = denoised.map((x0, k) => x0 + (kept / signal) * eps[k]!);
    x = addNoise(mean, noised / signal, options, sigma, sigmaNext);
  }
  return x;
}

function alphaBarAt(sigma: number): number {
  return 1 / (1 + sigma * sigma);
}
