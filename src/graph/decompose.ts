/**
 * @file What each composite op means in plain ops. Runtimes may have a faster kernel; this is what the kernel must equal,
 * and what differentiation goes through.
 */

import { internalError } from "../base/error.ts";
import { type Dim, elementsOf, mulDims, type Shape } from "./dim.ts";
import * as g from "./ops.ts";
import type { OpAttributes, OpName, Tensor, TensorOf } from "./tensor.ts";

export type Composite =
  | "linear"
  | "silu"
  | "gelu"
  | "quickGelu"
  | "softmax"
  | "standardise"
  | "inverseDeviation"
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

  standardise: ({ inputs: [x], attributes: { epsilon } }) => g.mul(centred(x!), g.inverseDeviation(x!, epsilon)),

  inverseDeviation({ inputs: [x], attributes: { epsilon }, shape }) {
    const deviations = centred(x!);
    const variance = g.mean(g.mul(deviations, deviations), [shape.length - 1], true);
    return g.div(g.scalar(1), g.sqrt(g.add(variance, g.scalar(epsilon))));
  },

  layerNorm({ inputs, attributes: { epsilon } }) {
    const [x, scale, shift] = inputs as [Tensor, Tensor, Tensor];
    return g.add(g.mul(g.standardise(x, epsilon), scale), shift);
  },

  groupNorm({ inputs, attributes: { groups, epsilon }, shape }) {
    const [x, scale, shift] = inputs as [Tensor, Tensor, Tensor];
    const [b, channels] = shape as [Dim, number];
    const rest = elementsOf(shape.slice(2));
    const grouped = g.reshape(x, [b, groups, mulDims(channels / groups, rest)]);
    const normal = g.reshape(g.standardise(grouped, epsilon), shape);
    const byChannel: Shape = [channels, ...shape.slice(2).map(() => 1)];
    return g.add(g.mul(normal, g.reshape(scale, byChannel)), g.reshape(shift, byChannel));
  },

  attention({ inputs, attributes }) {
    const [q, k, v] = inputs as [Tensor, Tensor, Tensor];
    return headsJoined(g.matmul(attentionWeights(q, k, attributes), byHead(v, attributes.heads)));
  },

  mean({ inputs: [x], attributes: { axes, keepDims } }) {
    const count = elementsOf(axes.map((axis) => x!.shape[axis]!));
    return g.div(g.sum(x!, axes, keepDims), g.extent(count));
  },
};

function centred(x: Tensor): Tensor {
  return g.sub(x, g.mean(x, [x.shape.length - 1], true));
}

/** softmax(q kᵀ d^-½) [b, heads, s, t]: how much each token of q takes of each of k. */
export function attentionWeights(q: Tensor, k: Tensor, { heads, causal }: OpAttributes["attention"]): Tensor {
  const [, s, width] = q.shape as [Dim, Dim, number];
  const products = g.matmul(byHead(q, heads), byHead(k, heads), { transposeB: true });
  const scores = g.mul(products, g.scalar((width / heads) ** -0.5));
  return g.softmax(causal ? g.add(scores, causalMask(s)) : scores);
}

/** [b, s, heads*d] as [b, heads, s, d]. */
export function byHead(x: Tensor, heads: number): Tensor {
  const [b, s, width] = x.shape as [Dim, Dim, number];
  return g.transpose(g.reshape(x, [b, s, heads, width / heads]), [0, 2, 1, 3]);
}

/** [b, heads, s, d] as [b, s, heads*d]. */
export function headsJoined(x: Tensor): Tensor {
  const [b, heads, s, d] = x.shape as [Dim, number, Dim, number];
  return g.reshape(g.transpose(x, [0, 2, 1, 3]), [b, s, heads * d]);
}

/** 0 where token i may see token j, the most negative float32 elsewhere. */
function causalMask(tokens: Dim): Tensor {
  if (typeof tokens !== "number") throw internalError("a causal mask needs a known number of tokens");
  const hidden = -3.4028234663852886e38;
  const values = Array.from({ length: tokens * tokens }, (_, n) => (n % tokens > Math.floor(n / tokens) ? hidden : 0));
  return g.constant(values, [tokens, tokens]);
}
