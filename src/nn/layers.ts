/** @file Layers whose parameters have the names that PyTorch modules give them: `weight` and `bias` under a path. */

import type { Dim } from "../graph/dim.ts";
import * as g from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";

/** A place in a network's tree of parameters, such as `down_blocks.0.resnets.1`. */
export type Scope = {
  readonly path: string;
  in(name: string | number): Scope;
  weight(name: string, shape: readonly number[]): Tensor;
};

export function scope(path = ""): Scope {
  const under = (name: string | number) => (path === "" ? `${name}` : `${path}.${name}`);
  return {
    path,
    in: (name) => scope(under(name)),
    weight: (name, shape) => g.weight(under(name), shape),
  };
}

/** [..., k] to [..., width]. */
export function linearLayer(p: Scope, x: Tensor, width: number, { bias = true }: { bias?: boolean } = {}): Tensor {
  const weight = p.weight("weight", [width, x.shape.at(-1) as number]);
  return g.linear(x, weight, bias ? p.weight("bias", [width]) : undefined);
}

export type Convolution = {
  readonly kernel: 1 | 3;
  readonly stride?: number;
  /** Top, left, bottom, right; all that keeps the size at stride 1 if not given. */
  readonly padding?: readonly [number, number, number, number];
};

/** [b, c, h, w] to [b, channels, h', w']. */
export function convLayer(p: Scope, x: Tensor, channels: number, { kernel, stride = 1, padding }: Convolution): Tensor {
  const same = (kernel - 1) / 2;
  const weight = p.weight("weight", [channels, x.shape[1] as number, kernel, kernel]);
  return g.conv2d(x, weight, p.weight("bias", [channels]), { stride, padding: padding ?? [same, same, same, same] });
}

export function layerNormLayer(p: Scope, x: Tensor, epsilon: number): Tensor {
  const width = x.shape.at(-1) as number;
  return g.layerNorm(x, p.weight("weight", [width]), p.weight("bias", [width]), epsilon);
}

export function groupNormLayer(p: Scope, x: Tensor, groups: number, epsilon: number): Tensor {
  const channels = x.shape[1] as number;
  return g.groupNorm(x, p.weight("weight", [channels]), p.weight("bias", [channels]), groups, epsilon);
}

/** Attention from `x` to `context` (or to itself), with PyTorch-named projections. */
export function attentionLayer(
  p: Scope,
  x: Tensor,
  context: Tensor,
  heads: number,
  names: { q: string; k: string; v: string; out: string; bias: boolean; causal?: boolean },
): Tensor {
  const width = x.shape.at(-1) as number;
  const { bias } = names;
  const q = linearLayer(p.in(names.q), x, width, { bias });
  const k = linearLayer(p.in(names.k), context, width, { bias });
  const v = linearLayer(p.in(names.v), context, width, { bias });
  return linearLayer(p.in(names.out), g.attention(q, k, v, heads, names.causal), width);
}

/** Sinusoids of `x` [n] as [n, width]: Ho et al. (2020), in the order and with the scale of diffusers' `Timesteps`. */
export function sinusoids(x: Tensor, width: number, { cosFirst, shift }: { cosFirst: boolean; shift: number }): Tensor {
  const half = width / 2;
  const n = x.shape[0] as Dim;
  const frequencies = Array.from({ length: half }, (_, i) => 10000 ** (-i / (half - shift)));
  const angles = g.mul(g.reshape(x, [n, 1]), g.constant(frequencies, [1, half]));
  const parts = [g.sin(angles), g.cos(angles)];
  return g.concat(cosFirst ? parts.toReversed() : parts, 1);
}
