/**
 * @file The noise of a training batch: white, or with the additions by which trainers reach darker and brighter pictures
 * than a schedule without zero terminal SNR can. Ratios, strengths and deviations are each picture's own, where kohya's
 * programs draw or measure some of them once a batch.
 */

import { IllustriousError } from "../../base/error.ts";
import { nextNormals, nextUniform, type RandomState } from "../random.ts";
import { enlarge } from "./bilinear.ts";

export type NoiseOptions = {
  /**
   * Offset noise: one normal number a channel, times this, on top of the whole plane. Guttenberg (2023), "Diffusion with
   * offset noise". kohya's noise_offset; 0.03 to 0.1 are usual.
   */
  offset?: number;
  /** kohya's adaptive_noise_scale k: the offset becomes max(0, offset + k |mean of the channel's clean latents|). */
  adaptiveScale?: number;
  /** kohya's noise_offset_random_strength: each picture's offset is a random share of that. */
  offsetRandomStrength?: boolean;
  /**
   * Pyramid or multi-resolution noise: enlargements of ever smaller planes, each `discount` times weaker than the one
   * before, the sum divided by its deviation. Whitaker (2023), "Multi-resolution noise for diffusion model training".
   * kohya's multires_noise_iterations and multires_noise_discount; 6 to 10, 0.1 to 0.8.
   */
  pyramid?: { iterations: number; discount: number };
  /**
   * Input perturbation: the input gets noise + perturbation * more of it, the target only the noise. Ning et al. (2023),
   * "Input perturbation reduces exposure bias in diffusion models", Algorithm 1. kohya's ip_noise_gamma; 0.05 to 0.1.
   */
  perturbation?: number;
  /** kohya's ip_noise_gamma_random_strength: each picture's perturbation is a random share of that. */
  perturbationRandomStrength?: boolean;
};

/** Pictures, channels, height and width of the latents. */
export type LatentShape = readonly [pictures: number, channels: number, height: number, width: number];

/** `noise` is what the target is made of, `inputNoise` what the input gets; one array where they are the same. */
export type TrainingNoise = { noise: Float32Array; inputNoise: Float32Array };

/** Draws a batch's noise. `x0`: the clean latents, which only an adaptive offset looks at. */
export function drawNoise(
  random: RandomState,
  shape: LatentShape,
  x0: Float32Array,
  options: NoiseOptions = {},
): TrainingNoise {
  const [pictures, channels, height, width] = shape;
  const size = channels * height * width;
  checkNoise(options);
  if (x0.length !== pictures * size) {
    throw new IllustriousError("bad_shape", `${x0.length} latents for noise of shape [${shape.join(", ")}]`);
  }
  const noise = nextNormals(random, pictures * size);
  for (let i = 0; i < pictures; i++) {
    const picture = noise.subarray(i * size, (i + 1) * size);
    addOffset(random, picture, x0.subarray(i * size, (i + 1) * size), height * width, options);
    if (options.pyramid) addPyramid(random, picture, height, width, options.pyramid);
  }
  const { perturbation = 0 } = options;
  if (perturbation === 0) return { noise, inputNoise: noise };
  const inputNoise = nextNormals(random, pictures * size);
  for (let i = 0; i < pictures; i++) {
    const strength = options.perturbationRandomStrength ? perturbation * nextUniform(random) : perturbation;
    for (let k = i * size; k < (i + 1) * size; k++) inputNoise[k] = noise[k]! + strength * inputNoise[k]!;
  }
  return { noise, inputNoise };
}

/** Adds to each plane of `plane` numbers of a picture its own constant. */
function addOffset(
  random: RandomState,
  noise: Float32Array,
  x0: Float32Array,
  plane: number,
  { offset = 0, adaptiveScale = 0, offsetRandomStrength = false }: NoiseOptions,
): void {
  if (offset === 0 && adaptiveScale === 0) return;
  const channels = noise.length / plane;
  const normals = nextNormals(random, channels);
  const share = offsetRandomStrength ? nextUniform(random) : 1;
  for (let c = 0; c < channels; c++) {
    let sum = 0;
    for (let k = c * plane; k < (c + 1) * plane; k++) sum += x0[k]!;
    const added = Math.max(0, share * offset + adaptiveScale * Math.abs(sum / plane)) * normals[c]!;
    for (let k = c * plane; k < (c + 1) * plane; k++) noise[k] = noise[k]! + added;
  }
}

/** Level i is drawn on planes smaller by r^i with r uniform in [2, 4); level 0, whole, is among them, as in the source. */
function addPyramid(
  random: RandomState,
  noise: Float32Array,
  height: number,
  width: number,
  { iterations, discount }: { iterations: number; discount: number },
): void {
  const plane = height * width;
  for (let i = 0; i < iterations; i++) {
    const ratio = (2 + 2 * nextUniform(random)) ** i;
    const rows = Math.max(1, Math.floor(height / ratio));
    const columns = Math.max(1, Math.floor(width / ratio));
    for (let start = 0; start < noise.length; start += plane) {
      const layer = enlarge(nextNormals(random, rows * columns), rows, columns, height, width);
      for (let k = 0; k < plane; k++) noise[start + k] = noise[start + k]! + discount ** i * layer[k]!;
    }
    if (rows === 1 || columns === 1) break;
  }
  const scale = 1 / deviation(noise);
  for (let k = 0; k < noise.length; k++) noise[k] = noise[k]! * scale;
}

/** With n - 1 below the line, as PyTorch's `std`. */
function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1));
}

export function checkNoise(options: NoiseOptions): void {
  const { offset = 0, adaptiveScale = 0, perturbation = 0, pyramid } = options;
  const refuse = (what: string, hint: string) => {
    throw new IllustriousError("bad_option", what, hint);
  };
  if (!(offset >= 0 && Number.isFinite(offset))) refuse(`noise offset ${offset}`, "Needs a number >= 0; 0 is none.");
  if (!Number.isFinite(adaptiveScale)) refuse(`adaptive noise scale ${adaptiveScale}`, "Needs a number; 0 is none.");
  if (!(perturbation >= 0 && Number.isFinite(perturbation))) {
    refuse(`input perturbation ${perturbation}`, "Needs a number >= 0; 0 is none.");
  }
  if (!pyramid) return;
  if (Number.isInteger(pyramid.iterations) && pyramid.iterations > 0 && pyramid.discount > 0 && pyramid.discount <= 1) {
    return;
  }
  refuse(
    `pyramid noise of ${pyramid.iterations} iterations, discount ${pyramid.discount}`,
    "Needs a whole number of iterations > 0 and 0 < discount <= 1.",
  );
}
