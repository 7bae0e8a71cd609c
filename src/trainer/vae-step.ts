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

/** Where the absolute error turns into a square, so that it has a slope everywhere. */
const CORNER = 1e-2;

/**
 * Inputs `image` [b, 3, 8h, 8w] in -1 … 1 and `noise` [b, 4, h, w]; outputs `loss`, and as parts of it `squared` (the mean
 * squared error) and `divergence`, with the gradients of what is trained.
 */
export function vaeStep(config: VaeConfig, objective: VaeObjective = {}): StepGraph {
  const { absolute = 0.1, divergence: pull = 1e-5, train = "both" } = objective;
  const factor = 2 ** (config.blockOutChannels.length - 1);
  const [b, h, w] = [size("batch"), size("height"), size("width")];
  const image = g.input("image", [b, config.inChannels, mulDims(h, factor), mulDims(w, factor)]);
  const noise = g.input("noise", [b, config.latentChannels, h, w]);
  const [mean, logVariance] = g.split(vaeEncoder(config, image), 1, 2) as [Tensor, Tensor];
  const drawn = g.add(mean, g.mul(g.exp(g.mul(g.scalar(0.5), logVariance)), noise));
  const error = g.sub(vaeDecoder(config, drawn), image);
  const square = g.mul(error, error);
  const squared = g.mean(square, [0, 1, 2, 3]);
  const distance = g.mean(g.sqrt(g.add(square, g.scalar(CORNER ** 2))), [0, 1, 2, 3]);
  const divergence = g.mean(divergenceOf(mean, logVariance), [0, 1, 2, 3]);
  const loss = g.add(
    g.add(squared, g.mul(g.scalar(absolute), distance)),
    g.mul(g.scalar(train === "both" ? pull : 0), divergence),
  );
  const isTrained = (name: string) => train === "both" || /^(decoder|post_quant_conv)\./.test(name);
  return stepGraph({ loss, squared, divergence }, isTrained);
}

/** Kullback-Leibler divergence of a normal from the unit normal, of each latent number. */
function divergenceOf(mean: Tensor, logVariance: Tensor): Tensor {
  const variance = g.exp(logVariance);
  const sum = g.sub(g.add(g.mul(mean, mean), variance), g.add(logVariance, g.scalar(1)));
  return g.mul(g.scalar(0.5), sum);
}
