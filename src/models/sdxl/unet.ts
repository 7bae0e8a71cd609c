/**
 * @file SDXL's UNet as a graph. Podell et al. (2023), https://arxiv.org/abs/2307.01952; parameters and order of
 * computation as diffusers' `UNet2DConditionModel` has them.
 *
 * Axis letters: b batch, h and w latent height and width, s tokens of context.
 */

import { type Dim, mulDims, size } from "../../graph/dim.ts";
import { type Graph, graphOf } from "../../graph/graph.ts";
import * as g from "../../graph/ops.ts";
import type { Tensor } from "../../graph/tensor.ts";
import {
  attentionLayer,
  convLayer,
  groupNormLayer,
  layerNormLayer,
  linearLayer,
  type Scope,
  scope,
  sinusoids,
} from "../../nn/layers.ts";
import type { UNetConfig } from "./config.ts";
import { type Norm, residualBlock } from "./resnet.ts";

/** What one call of the UNet is computed from; every size but the channels is known only at run time. */
export type UNetInputs = {
  /** Scaled noisy latents [b, 4, h, w]. */
  readonly sample: Tensor;
  /** [b], 0 … 999, not necessarily whole. */
  readonly timestep: Tensor;
  /** Both encoders' states side by side [b, s, 2048]. */
  readonly context: Tensor;
  /** The second encoder's pooled projection [b, 1280]. */
  readonly pooled: Tensor;
  /** Original height, width, crop top, left, target height, width [b, 6]. */
  readonly timeIds: Tensor;
};

export function unetInputs(config: UNetConfig): UNetInputs {
  const b = size("batch");
  const pooledWidth = config.projectionInputDim - 6 * config.additionTimeEmbedDim;
  return {
    sample: g.input("sample", [b, config.inChannels, size("height"), size("width")]),
    timestep: g.input("timestep", [b]),
    context: g.input("context", [b, size("tokens"), config.crossAttentionDim]),
    pooled: g.input("pooled", [b, pooledWidth]),
    timeIds: g.input("timeIds", [b, 6]),
  };
}

/** The graph with one output `output` [b, 4, h, w]; with `taps`, also what each block gives, by diffusers' names. */
export function unetGraph(config: UNetConfig, { taps = false }: { taps?: boolean } = {}): Graph {
  const blocks: Record<string, Tensor> = {};
  const output = unet(config, unetInputs(config), {
    block: (name, tensor) => {
      blocks[name] = tensor;
    },
  });
  return graphOf(taps ? { ...blocks, output } : { output });
}

/** Told on the way what parts of the network give, by diffusers' names. */
export type UNetTaps = {
  readonly block?: (name: string, x: Tensor) => void;
  /** Within blocks: what goes on from a residual block, or from the transformer behind it. */
  readonly layer?: (x: Tensor) => void;
};

export function unet(config: UNetConfig, inputs: UNetInputs, taps: UNetTaps = {}): Tensor {
  const { block: tap = () => {}, layer = () => {} } = taps;
  const p = scope();
  const norm: Norm = { groups: config.normGroups, epsilon: config.normEps };
  const embedding = timeAndSizeEmbedding(p, config, inputs);
  const { context } = inputs;
  const widths = config.blockOutChannels;
  const last = widths.length - 1;

  let x = convLayer(p.in("conv_in"), inputs.sample, widths[0]!, { kernel: 3 });
  tap("conv_in", x);
  const skips = [x];

  widths.forEach((width, level) => {
    const block = p.in("down_blocks").in(level);
    for (let i = 0; i < config.layersPerBlock; i++) {
      x = residualBlock(block.in("resnets").in(i), x, width, norm, embedding);
      if (config.attention[level]) x = transformerAt(block.in("attentions").in(i), x, context, config, level);
      layer(x);
      skips.push(x);
    }
    if (level < last) {
      x = convLayer(block.in("downsamplers.0.conv"), x, width, { kernel: 3, stride: 2 });
      skips.push(x);
    }
    tap(block.path, x);
  });

  const mid = p.in("mid_block");
  x = residualBlock(mid.in("resnets.0"), x, widths[last]!, norm, embedding);
  x = transformerAt(mid.in("attentions.0"), x, context, config, last);
  x = residualBlock(mid.in("resnets.1"), x, widths[last]!, norm, embedding);
  tap(mid.path, x);

  for (let level = last; level >= 0; level--) {
    const block = p.in("up_blocks").in(last - level);
    const width = widths[level]!;
    for (let i = 0; i <= config.layersPerBlock; i++) {
      x = g.concat([x, skips.pop()!], 1);
      x = residualBlock(block.in("resnets").in(i), x, width, norm, embedding);
      if (config.attention[level]) x = transformerAt(block.in("attentions").in(i), x, context, config, level);
      layer(x);
    }
    if (level > 0) {
      // To the next skip's own size: an odd size halved and doubled again is not what it was.
      const [, , height, across] = skips.at(-1)!.shape as [Dim, Dim, Dim, Dim];
      x = convLayer(block.in("upsamplers.0.conv"), g.resizeNearest(x, height, across), width, { kernel: 3 });
    }
    tap(block.path, x);
  }

  x = g.silu(groupNormLayer(p.in("conv_norm_out"), x, norm.groups, norm.epsilon));
  return convLayer(p.in("conv_out"), x, config.outChannels, { kernel: 3 });
}

/** Of the timestep, and of the six sizes with the pooled text, [b, 4 * first width]. */
function timeAndSizeEmbedding(p: Scope, config: UNetConfig, { timestep, timeIds, pooled }: UNetInputs): Tensor {
  const options = { cosFirst: config.flipSinToCos, shift: config.freqShift };
  const [b] = timestep.shape as [Dim];
  const time = sinusoids(timestep, config.blockOutChannels[0]!, options);
  const sizes = sinusoids(g.reshape(timeIds, [mulDims(6, b)]), config.additionTimeEmbedDim, options);
  const added = g.concat([pooled, g.reshape(sizes, [b, 6 * config.additionTimeEmbedDim])], 1);
  return g.add(twoLayers(p.in("time_embedding"), time, config), twoLayers(p.in("add_embedding"), added, config));
}

function twoLayers(p: Scope, x: Tensor, config: UNetConfig): Tensor {
  const width = 4 * config.blockOutChannels[0]!;
  return linearLayer(p.in("linear_2"), g.silu(linearLayer(p.in("linear_1"), x, width)), width);
}

/** Tokens of the picture attend to each other and to the text. Residual around the whole, [b, c, h, w] in and out. */
function transformerAt(p: Scope, x: Tensor, context: Tensor, config: UNetConfig, level: number): Tensor {
  const [, channels, height, width] = x.shape as [Dim, number, Dim, Dim];
  // diffusers fixes this epsilon; only the residual blocks take the configuration's.
  const normal = groupNormLayer(p.in("norm"), x, config.normGroups, 1e-6);
  let tokens = linearLayer(p.in("proj_in"), g.tokensOf(normal), channels);
  for (let k = 0; k < config.transformerLayersPerBlock[level]!; k++) {
    tokens = transformerBlock(p.in("transformer_blocks").in(k), tokens, context, config.heads[level]!);
  }
  return g.add(g.imageOf(linearLayer(p.in("proj_out"), tokens, channels), height, width), x);
}

const PROJECTIONS = { q: "to_q", k: "to_k", v: "to_v", out: "to_out.0", bias: false };

function transformerBlock(p: Scope, x: Tensor, context: Tensor, heads: number): Tensor {
  const normal = (name: string, input: Tensor) => layerNormLayer(p.in(name), input, 1e-5);
  const own = normal("norm1", x);
  const seen = g.add(attentionLayer(p.in("attn1"), own, own, heads, PROJECTIONS), x);
  const told = g.add(attentionLayer(p.in("attn2"), normal("norm2", seen), context, heads, PROJECTIONS), seen);
  return g.add(feedForward(p.in("ff.net"), normal("norm3", told)), told);
}

/** GEGLU: half of a layer gates the other half. Shazeer (2020), https://arxiv.org/abs/2002.05202. */
function feedForward(p: Scope, x: Tensor): Tensor {
  const width = x.shape.at(-1) as number;
  const [value, gate] = g.split(linearLayer(p.in("0.proj"), x, 8 * width), x.shape.length - 1, 2) as [Tensor, Tensor];
  return linearLayer(p.in("2"), g.mul(value, g.gelu(gate)), width);
}
