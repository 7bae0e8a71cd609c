/** @file The residual block that SDXL's UNet and VAE share. He et al. (2016), as diffusers' `ResnetBlock2D` lays it out. */

import * as g from "../../graph/ops.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { convLayer, groupNormLayer, linearLayer, type Scope } from "../../nn/layers.ts";

export type Norm = { readonly groups: number; readonly epsilon: number };

/** [b, c, h, w] to [b, channels, h, w]; `embedding` [b, e] is added between the convolutions where there is one. */
export function residualBlock(p: Scope, x: Tensor, channels: number, norm: Norm, embedding?: Tensor): Tensor {
  const activated = (name: string, input: Tensor) =>
    g.silu(groupNormLayer(p.in(name), input, norm.groups, norm.epsilon));
  let hidden = convLayer(p.in("conv1"), activated("norm1", x), channels, { kernel: 3 });
  if (embedding) {
    const shift = linearLayer(p.in("time_emb_proj"), g.silu(embedding), channels);
    hidden = g.add(hidden, g.reshape(shift, [shift.shape[0]!, channels, 1, 1]));
  }
  hidden = convLayer(p.in("conv2"), activated("norm2", hidden), channels, { kernel: 3 });
  const same = x.shape[1] === channels;
  return g.add(same ? x : convLayer(p.in("conv_shortcut"), x, channels, { kernel: 1 }), hidden);
}
