/**
 * @file What each composite op means in plain ops. Runtimes may have a faster kernel; this is what the kernel must equal,
 * and what differentiation goes through.
 */

import { internalError } from "../base/error.ts";
import { type Dim, elementsOf, mulDims, type Shape } from "./dim.ts";
import * as g from "./ops.ts";
import type { OpName, Tensor, TensorOf } from "./tensor.ts";

export type Composite =
  | "linear"
  | "silu"
  | "gelu"
  | "quickGelu"
  | "softmax"
  | "layerNorm"
  | "groupNorm"
  | "attention"
  | "mean";

type Decomposition<Op extends OpName> = (tensor: TensorOf<Op>) => Tensor;

export const decompositions: { readonly [Op in Composite]: Decomposition<Op> } = {
  linear({ inputs }) {
    const [x, weight, bias] = inputs as [Tensor, Tensor, Tensor?];
    const product = g.matmul(x, weight, { transposeB: true });
    return bias ? g.add(product, bias) : product;
  },

  silu: ({ inputs: [x] }) => g.mul(x!, g.sigmoid(x!)),

  gelu: ({ inputs: [x] }) =>
    g.mul(g.mul(g.scalar(0.5), x!), g.add(g.scalar(1), g.erf(g.mul(x!, g.scalar(Math.SQRT1_2))))),

  quickGelu: ({ inputs: [x] }) => g.mul(x!, g.sigmoid(g.mul(g.scalar(1.702), x!))),

  softmax({ inputs: [x], shape }) {
    const last = [shape.length - 1];
    const raised = g.exp(g.sub(x!, g.max(x!, last, true)));
    return g.div(raised, g.sum(raised, last, true));
  },

  layerNorm({ inputs, attributes: { epsilon }, shape }) {
    const [x, scale, shift] = inputs as [Tensor, Tensor, Tensor];
    return g.add(g.mul(standardised(x, [shape.length - 1], epsilon), scale), shift);
  },

  groupNorm({ inputs, attributes: { groups, epsilon }, shape }) {
    const [x, scale, shift] = inputs as [Tensor, Tensor, Tensor];
    const [b, channels] = shape as [Dim, number];
    const rest = elementsOf(shape.slice(2));
    const grouped = g.reshape(x, [b, groups, mulDims(channels / groups, rest)]);
    const normal = g.reshape(standardised(grouped, [2], epsilon), shape);
    const byChannel: Shape = [channels, ...shape.slice(2).map(() => 1)];
    return g.add(g.mul(normal, g.reshape(scale, byChannel)), g.reshape(shift, byChannel));
  },

  attention({ inputs, attributes: { heads, causal }, shape }) {
    const [q, k, v] = inputs as [Tensor, Tensor, Tensor];
    const [b, s, width] = shape as [Dim, Dim, number];
    const t = k.shape[1]!;
    const d = width / heads;
    const byHead = (x: Tensor, length: Dim) => g.transpose(g.reshape(x, [b, length, heads, d]), [0, 2, 1, 3]);
    let scores = g.mul(g.matmul(byHead(q, s), byHead(k, t), { transposeB: true }), g.scalar(d ** -0.5));
    if (causal) scores = g.add(scores, causalMask(s));
    const mixed = g.matmul(g.softmax(scores), byHead(v, t));
    return g.reshape(g.transpose(mixed, [0, 2, 1, 3]), shape);
  },

  mean({ inputs: [x], attributes: { axes, keepDims } }) {
    const count = elementsOf(axes.map((axis) => x!.shape[axis]!));
    return g.div(g.sum(x!, axes, keepDims), g.extent(count));
  },
};

function standardised(x: Tensor, axes: readonly number[], epsilon: number): Tensor {
  const centred = g.sub(x, g.mean(x, axes, true));
  const variance = g.mean(g.mul(centred, centred), axes, true);
  return g.div(centred, g.sqrt(g.add(variance, g.scalar(epsilon))));
}

/** 0 where token i may see token j, the most negative float32 elsewhere. */
function causalMask(tokens: Dim): Tensor {
  if (typeof tokens !== "number") throw internalError("a causal mask needs a known number of tokens");
  const hidden = -3.4028234663852886e38;
  const values = Array.from({ length: tokens * tokens }, (_, n) => (n % tokens > Math.floor(n / tokens) ? hidden : 0));
  return g.constant(values, [tokens, tokens]);
}
