/**
 * @file Gradients of norms and of softmax in closed form.
 *
 * With n = (x - mean) r and r = (variance + epsilon)^-½, both over N elements: dn/dx pulls a gradient back as
 * dx = r (dn - mean(dn) - n mean(dn n)). Ba et al. (2016), https://arxiv.org/abs/1607.06450.
 */

import { type Dim, elementsOf, mulDims } from "../graph/dim.ts";
import * as g from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { GradientRule } from "./rule.ts";

export const softmaxGradient: GradientRule<"softmax"> = (y, d) => {
  const product = g.mul(d, y);
  return [() => g.sub(product, g.mul(y, g.sum(product, [y.shape.length - 1], true)))];
};

export const standardiseGradient: GradientRule<"standardise"> = (n, dn) => {
  const { epsilon } = n.attributes;
  return [() => standardisedBack(n, g.inverseDeviation(n.inputs[0]!, epsilon), dn)];
};

/** dr/dx = -n r² / N. */
export const inverseDeviationGradient: GradientRule<"inverseDeviation"> = (r, d) => {
  const x = r.inputs[0]!;
  const n = g.standardise(x, r.attributes.epsilon);
  return [() => g.neg(g.mul(n, g.div(g.mul(d, g.mul(r, r)), g.extent(x.shape.at(-1)!))))];
};

export const layerNormGradient: GradientRule<"layerNorm"> = ({ inputs, attributes: { epsilon } }, d) => {
  const [x, scale] = inputs as [Tensor, Tensor];
  const before = d.shape.slice(0, -1).map((_, axis) => axis);
  const n = g.standardise(x, epsilon);
  return [
    () => standardisedBack(n, g.inverseDeviation(x, epsilon), g.mul(d, scale)),
    () => g.sum(g.mul(d, n), before),
    () => g.sum(d, before),
  ];
};

function standardisedBack(n: Tensor, r: Tensor, dn: Tensor): Tensor {
  const last = [n.shape.length - 1];
  const along = g.mul(n, g.mean(g.mul(dn, n), last, true));
  return g.mul(r, g.sub(g.sub(dn, g.mean(dn, last, true)), along));
}

/** Everything but dx itself comes from two sums a channel, Σ d and Σ d n over its pixels. */
export const groupNormGradient: GradientRule<"groupNorm"> = ({ inputs, attributes: { groups, epsilon } }, d) => {
  const [x, scale] = inputs as [Tensor, Tensor];
  const [b, channels] = x.shape as [Dim, number];
  const each = channels / groups;
  const pixels = elementsOf(x.shape.slice(2));
  const count = g.extent(mulDims(each, pixels));
  const byGroup = g.reshape(x, [b, groups, mulDims(each, pixels)]);
  const n = g.reshape(g.standardise(byGroup, epsilon), [b, groups, each, pixels]);
  const upstream = g.reshape(d, [b, groups, each, pixels]);
  const sumOfD = g.sum(upstream, [3]);
  const sumOfDN = g.sum(g.mul(upstream, n), [3]);
  return [
    () => {
      const r = g.inverseDeviation(byGroup, epsilon);
      const gain = g.reshape(scale, [groups, each]);
      const meanOf = (sums: Tensor) => g.div(g.sum(g.mul(sums, gain), [2], true), count);
      const overPixels = (x: Tensor) => g.reshape(x, [...x.shape, 1]);
      const along = g.mul(n, overPixels(g.mul(r, meanOf(sumOfDN))));
      const level = overPixels(g.mul(r, meanOf(sumOfD)));
      return g.reshape(g.sub(g.sub(g.mul(upstream, overPixels(g.mul(r, gain))), along), level), x.shape);
    },
    () => g.reshape(g.sum(sumOfDN, [0]), [channels]),
    () => g.reshape(g.sum(sumOfD, [0]), [channels]),
  ];
};
