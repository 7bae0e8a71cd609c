/**
 * @file An autoencoder's step: pictures through the encoder, a draw from its latents, through the decoder, and how far what
 * comes out is from what went in. Kingma and Welling (2013), https://arxiv.org/abs/1312.6114, with the weak pull
 * towards unit latents of Rombach et al. (2021), https://arxiv.org/abs/2112.10752.
 */

import { mulDims, size } from "../graph/dim.ts";
import * as g from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { VaeConfig } from "../models/sdxl/config.ts";
import { vaeDecoder, vaeEncoder } from "../models/sdxl/vae.ts";
import { type StepGraph, stepGraph } from "../training/learner/step-graph.ts";

export type VaeObjective = {
  /** What the mean absolute error counts beside the mean squared one, on pixels from -1 to 1. Default 0.1. */
  readonly absolute?: number;
  /** What a latent's divergence from a unit normal counts, nats a latent number. Default 1e-5. */
  readonly divergence?: number;
  /** "decoder" leaves the latents as they are: for better pictures of models that have learnt on them. Default "both". */
  readonly train?: "both" | "decoder";
};

/** Of the absolute error. */
const CORNER = 1e-2;

/** How far beyond an end it is wanted: twelve of 255 levels, by which a small decoder is off, and latents that a model has drawn. */
export const END_MARGIN = 12 / 127.5;

/** Where a clipped error turns from nothing into itself, of a pixel's -1 to 1: an eighth of what 8 bits can tell. */
const CLIP_CORNER = 1e-3;

/**
 * Inputs `image` [b, 3, 8h, 8w] in -1 … 1, `ends` of its shape (see `clippedError`), and `noise` [b, 4, h, w]; outputs `loss`, and as parts of it `squared` (the mean
 * squared error) and `divergence`, with the gradients of what is trained.
 */
export function vaeStep(config: VaeConfig, objective: VaeObjective = {}): StepGraph {
  const { absolute = 0.1, divergence: pull = 1e-5, train = "both" } = objective;
  const factor = 2 ** (config.blockOutChannels.length - 1);
  const [b, h, w] = [size("batch"), size("height"), size("width")];
  const image = g.input("image", [b, config.inChannels, mulDims(h, factor), mulDims(w, factor)]);
  const ends = g.input("ends", image.shape);
  const noise = g.input("noise", [b, config.latentChannels, h, w]);
  const [mean, logVariance] = g.split(vaeEncoder(config, image), 1, 2) as [Tensor, Tensor];
  const drawn = g.add(mean, g.mul(g.exp(g.mul(g.scalar(0.5), logVariance)), noise));
  const error = clippedError(vaeDecoder(config, drawn), image, ends);
  const square = g.mul(error, error);
  const squared = g.mean(square, [0, 1, 2, 3]);
  const distance = g.mean(magnitude(error, CORNER), [0, 1, 2, 3]);
  const divergence = g.mean(divergenceOf(mean, logVariance), [0, 1, 2, 3]);
  const loss = g.add(
    g.add(squared, g.mul(g.scalar(absolute), distance)),
    g.mul(g.scalar(train === "both" ? pull : 0), divergence),
  );
  const isTrained = (name: string) => train === "both" || /^(decoder|post_quant_conv)\./.test(name);
  return stepGraph({ loss, squared, divergence }, isTrained);
}

/**
 * How far a decoded picture is from the wanted one, as it will be seen: pixels are clipped to -1 … 1, so what goes beyond an end that is wanted is
 * right. Plain differences make the least error of exact white a little less than white, which is not stored as 255; here an end is wanted with a
 * margin, and what goes further has no error. Where the wanted value is no end, what goes beyond the range is wrong by as much as it does, and not
 * by what clipping leaves, which would have no slope.
 *
 * @param ends of each number of `wanted`: 1 where it is 1, -1 where it is -1, else 0
 */
export function clippedError(decoded: Tensor, wanted: Tensor, ends: Tensor): Tensor {
  const error = g.sub(decoded, g.add(wanted, g.mul(ends, g.scalar(END_MARGIN))));
  const outward = g.mul(ends, error);
  const beyond = g.mul(g.mul(g.scalar(0.5), g.add(outward, magnitude(outward, CLIP_CORNER))), ends);
  return g.sub(error, beyond);
}

/** Absolute values, with a slope everywhere: below the corner they turn into a square. */
const magnitude = (x: Tensor, corner: number): Tensor => g.sqrt(g.add(g.mul(x, x), g.scalar(corner ** 2)));

/** Kullback-Leibler divergence of a normal from the unit normal, of each latent number. */
function divergenceOf(mean: Tensor, logVariance: Tensor): Tensor {
  const variance = g.exp(logVariance);
  const sum = g.sub(g.add(g.mul(mean, mean), variance), g.add(logVariance, g.scalar(1)));
  return g.mul(g.scalar(0.5), sum);
}
