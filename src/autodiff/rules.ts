/**
 * @file The gradient of every op, built from ops. A row is the op's derivative applied to `d`, the gradient of the loss with
 * respect to the op's result y. Ops of many lines have files of their own beside this one.
 */

import { addDims, type Dim, mulDims } from "../graph/dim.ts";
import * as g from "../graph/ops.ts";
import type { OpName, Tensor } from "../graph/tensor.ts";
import { attentionGradient } from "./attention.ts";
import { conv2dGradient, convTranspose2dGradient } from "./convolution.ts";
import { linearGradient, matmulGradient } from "./matrix.ts";
import {
  groupNormGradient,
  inverseDeviationGradient,
  layerNormGradient,
  softmaxGradient,
  standardiseGradient,
} from "./norms.ts";
import { resizeNearestGradient } from "./resize.ts";
import { type GradientRule, type NoGradient, padded, unbroadcast } from "./rule.ts";

const one = g.scalar(1);
const LEAF: NoGradient = { none: "nothing stands behind it" };
const IDS: NoGradient = { none: "ids are whole numbers" };

export const gradientRules: { readonly [Op in OpName]: GradientRule<Op> | NoGradient } = {
  input: LEAF,
  weight: LEAF,
  constant: LEAF,
  extent: LEAF,

  neg: (_y, d) => [() => g.neg(d)],
  exp: (y, d) => [() => g.mul(d, y)],
  log: ({ inputs: [x] }, d) => [() => g.div(d, x!)],
  sqrt: (y, d) => [() => g.div(g.mul(d, g.scalar(0.5)), y)],
  sin: ({ inputs: [x] }, d) => [() => g.mul(d, g.cos(x!))],
  cos: ({ inputs: [x] }, d) => [() => g.neg(g.mul(d, g.sin(x!)))],
  erf: ({ inputs: [x] }, d) => [() => g.mul(d, g.mul(g.scalar(2 / Math.sqrt(Math.PI)), g.exp(g.neg(g.mul(x!, x!)))))],
  tanh: (y, d) => [() => g.mul(d, g.sub(one, g.mul(y, y)))],
  sigmoid: (y, d) => [() => g.mul(d, g.mul(y, g.sub(one, y)))],

  add: ({ inputs: [a, b] }, d) => [() => unbroadcast(d, a!.shape), () => unbroadcast(d, b!.shape)],
  sub: ({ inputs: [a, b] }, d) => [() => unbroadcast(d, a!.shape), () => g.neg(unbroadcast(d, b!.shape))],
  mul: ({ inputs: [a, b] }, d) => [
    () => unbroadcast(g.mul(d, b!), a!.shape),
    () => unbroadcast(g.mul(d, a!), b!.shape),
  ],
  div: (y, d) => {
    const [a, b] = y.inputs as [Tensor, Tensor];
    return [() => unbroadcast(g.div(d, b), a.shape), () => g.neg(unbroadcast(g.mul(d, g.div(y, b)), b.shape))];
  },

  sum: ({ inputs: [x], attributes: { axes } }, d) => [() => spread(x!, axes, d)],
  mean: ({ inputs: [x], attributes: { axes } }, d) => [
    () => spread(x!, axes, g.div(d, g.extent(mulDims(...axes.map((axis) => x!.shape[axis]!))))),
  ],
  max: { none: "it serves only to keep softmax in range, which has a rule of its own" },

  reshape: ({ inputs: [x] }, d) => [() => g.reshape(d, x!.shape)],
  transpose: ({ attributes: { order } }, d) => [
    () =>
      g.transpose(
        d,
        order.map((_, axis) => order.indexOf(axis)),
      ),
  ],
  concat({ inputs, attributes: { axis } }, d) {
    let end: Dim = 0;
    return inputs.map(({ shape }) => {
      const start = end;
      end = addDims(start, shape[axis]!);
      const stop = end;
      return () => g.slice(d, axis, start, stop);
    });
  },
  slice: ({ inputs: [x], attributes: { axis, start, end } }, d) => [
    () => {
      const at = (dim: Dim) => x!.shape.map((_, i) => (i === axis ? dim : 0));
      return padded(d, at(start), at(addDims(x!.shape[axis]!, mulDims(-1, end))));
    },
  ],
  pad: ({ attributes: { before, after } }, d) => [
    () =>
      padded(
        d,
        before.map((dim) => mulDims(-1, dim)),
        after.map((dim) => mulDims(-1, dim)),
      ),
  ],
  expand: ({ inputs: [x] }, d) => [() => unbroadcast(d, x!.shape)],
  gather: ({ inputs: [table, ids] }, d) => [() => g.scatterRows(ids!, d, table!.shape[0]!), IDS],
  scatterRows: ({ inputs: [ids] }, d) => [IDS, () => g.gather(d, ids!)],
  resizeNearest: resizeNearestGradient,

  matmul: matmulGradient,
  conv2d: conv2dGradient,
  convTranspose2d: convTranspose2dGradient,

  linear: linearGradient,
  silu: (y, d) => [() => g.mul(d, swishSlope(y.inputs[0]!, y, 1))],
  gelu: ({ inputs: [x] }, d) => [() => g.mul(d, geluSlope(x!))],
  quickGelu: (y, d) => [() => g.mul(d, swishSlope(y.inputs[0]!, y, 1.702))],
  softmax: softmaxGradient,
  standardise: standardiseGradient,
  inverseDeviation: inverseDeviationGradient,
  layerNorm: layerNormGradient,
  groupNorm: groupNormGradient,
  attention: attentionGradient,
};

/** `d` at every element of x that a reduction over `axes` has summed. */
function spread(x: Tensor, axes: readonly number[], d: Tensor): Tensor {
  const kept = x.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  return g.expand(g.reshape(d, kept), x.shape);
}

/** Of y = x s with s = sigmoid(a x): s + a y (1 - s). Ramachandran et al. (2017), https://arxiv.org/abs/1710.05941, §6. */
function swishSlope(x: Tensor, y: Tensor, a: number): Tensor {
  const [scaled, scaledY] = a === 1 ? [x, y] : [g.mul(x, g.scalar(a)), g.mul(y, g.scalar(a))];
  const s = g.sigmoid(scaled);
  return g.add(s, g.mul(scaledY, g.sub(one, s)));
}

/** Of x Φ(x): Φ(x) + x φ(x), with u = x / √2 and 1 / √π inside the exponent. Hendrycks and Gimpel (2016), https://arxiv.org/abs/1606.08415. */
function geluSlope(x: Tensor): Tensor {
  const u = g.mul(x, g.scalar(Math.SQRT1_2));
  const density = g.mul(u, g.exp(g.sub(g.scalar(-0.5 * Math.log(Math.PI)), g.mul(u, u))));
  return g.add(g.add(g.mul(g.erf(u), g.scalar(0.5)), g.scalar(0.5)), density);
}
