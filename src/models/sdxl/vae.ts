/**
 * @file SDXL's autoencoder as two graphs: pixels [b, 3, 8h, 8w] in -1 … 1 to the moments of latents, and latents to pixels.
 * Rombach et al. (2021), https://arxiv.org/abs/2112.10752; parameters as diffusers' `AutoencoderKL` has them.
 */

import { type Dim, size } from "../../graph/dim.ts";
import { type Graph, graphOf } from "../../graph/graph.ts";
import * as g from "../../graph/ops.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { attentionLayer, convLayer, groupNormLayer, type Scope, scope } from "../../nn/layers.ts";
import type { VaeConfig } from "./config.ts";
import { type Norm, residualBlock } from "./resnet.ts";

const normOf = (config: VaeConfig): Norm => ({ groups: config.normGroups, epsilon: 1e-6 });

/** Input `image`; outputs `mean` and `logVariance` [b, 4, h, w], before the scaling factor. */
export function vaeEncoderGraph(config: VaeConfig): Graph {
  const image = g.input("image", [size("batch"), config.inChannels, size("height"), size("width")]);
  const moments = vaeEncoder(config, image);
  const [mean, logVariance] = g.split(moments, 1, 2) as [Tensor, Tensor];
  return graphOf({ mean, logVariance });
}

/** Input `latents` [b, 4, h, w], the scaling factor already divided out; output `image`. */
export function vaeDecoderGraph(config: VaeConfig): Graph {
  const latents = g.input("latents", [size("batch"), config.latentChannels, size("height"), size("width")]);
  return graphOf({ image: vaeDecoder(config, latents) });
}

export function vaeEncoder(config: VaeConfig, image: Tensor): Tensor {
  const p = scope("encoder");
  const norm = normOf(config);
  const widths = config.blockOutChannels;
  let x = convLayer(p.in("conv_in"), image, widths[0]!, { kernel: 3 });
  widths.forEach((width, level) => {
    const block = p.in("down_blocks").in(level);
    for (let i = 0; i < config.layersPerBlock; i++) x = residualBlock(block.in("resnets").in(i), x, width, norm);
    if (level === widths.length - 1) return;
    // Padded below and to the right only: the encoder was trained that way.
    x = convLayer(block.in("downsamplers.0.conv"), x, width, { kernel: 3, stride: 2, padding: [0, 0, 1, 1] });
  });
  x = middle(p.in("mid_block"), x, config);
  x = g.silu(groupNormLayer(p.in("conv_norm_out"), x, norm.groups, norm.epsilon));
  x = convLayer(p.in("conv_out"), x, 2 * config.latentChannels, { kernel: 3 });
  return config.useQuantConv ? convLayer(scope("quant_conv"), x, 2 * config.latentChannels, { kernel: 1 }) : x;
}

export function vaeDecoder(config: VaeConfig, latents: Tensor): Tensor {
  const p = scope("decoder");
  const norm = normOf(config);
  const widths = config.blockOutChannels.toReversed();
  let x = latents;
  if (config.usePostQuantConv) x = convLayer(scope("post_quant_conv"), x, config.latentChannels, { kernel: 1 });
  x = convLayer(p.in("conv_in"), x, widths[0]!, { kernel: 3 });
  x = middle(p.in("mid_block"), x, config);
  widths.forEach((width, level) => {
    const block = p.in("up_blocks").in(level);
    for (let i = 0; i <= config.layersPerBlock; i++) x = residualBlock(block.in("resnets").in(i), x, width, norm);
    if (level < widths.length - 1) x = convLayer(block.in("upsamplers.0.conv"), g.doubled(x), width, { kernel: 3 });
  });
  x = g.silu(groupNormLayer(p.in("conv_norm_out"), x, norm.groups, norm.epsilon));
  return convLayer(p.in("conv_out"), x, config.outChannels, { kernel: 3 });
}

function middle(p: Scope, x: Tensor, config: VaeConfig): Tensor {
  const width = x.shape[1] as number;
  const norm = normOf(config);
  const first = residualBlock(p.in("resnets.0"), x, width, norm);
  const mixed = config.midBlockAttention ? pixelAttention(p.in("attentions.0"), first, norm) : first;
  return residualBlock(p.in("resnets.1"), mixed, width, norm);
}

/** One head over all pixels. */
function pixelAttention(p: Scope, x: Tensor, norm: Norm): Tensor {
  const [, , height, width] = x.shape as [Dim, Dim, Dim, Dim];
  const tokens = g.tokensOf(groupNormLayer(p.in("group_norm"), x, norm.groups, norm.epsilon));
  const names = { q: "to_q", k: "to_k", v: "to_v", out: "to_out.0", bias: true };
  return g.add(g.imageOf(attentionLayer(p, tokens, tokens, 1, names), height, width), x);
}
