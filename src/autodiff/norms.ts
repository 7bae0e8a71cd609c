/**
 * @file Gradients of norms and of softmax in closed form.
 *
 * With n = (x - mean) r and r = (variance + epsilon)^-½, both over one set of N elements, and dn given:
 * dx = r (dn - mean(dn) - n mean(dn n)). Ba et al. (2016), https://arxiv.org/abs/1607.06450.
 */

import { standardised } from "../graph/decompose.ts";
import { type Dim, elementsOf, mulDims } from "../graph/dim.ts";
import * as g from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { GradientRule } from "./rule.ts";

export const softmaxGradient: GradientRule<"softmax"> = (y, d) => {
  const product = g.mul(d, y);
  return [() => g.sub(product, g.mul(y, g.sum(product, [y.shape.length - 1], true)))];
};

export const layerNormGradient: GradientRule<"layerNorm"> = ({ inputs, attributes: { epsilon } }, d) => {
  const [x, scale] = inputs as [Tensor, Tensor];
  const last = d.shape.length - 1;
  const before = d.shape.slice(0, -1).map((_, axis) => axis);
  const { normal, inverse } = standardised(x, epsilon);
  return [
    () => {
      const dn = g.mul(d, scale);
      const along = g.mul(normal, g.mean(g.mul(dn, normal), [last], true));
      return g.mul(inverse, g.sub(g.sub(dn, g.mean(dn, [last], true)), along));
    },
    () => g.sum(g.mul(d, normal), before),
    () => g.sum(d, before),
  ];
};

/** Everything but dx itself comes from two sums a channel, Σ d and Σ d n over its pixels. */
export const groupNormGradient: GradientRule<"groupNorm"> = ({ inputs, attributes: { groups, epsilon } }, d) => {
  const [x, scale] = inputs as [Tensor, Tensor];
  const [b, channels] = x.shape as [Dim, number];
  const each = channels / groups;
  const pixels = elementsOf(x.shape.slice(2));
  const count = g.extent(mulDims(each, pixels));
  const { normal: byGroup, inverse: r } = standardised(g.reshape(x, [b, groups, mulDims(each, pixels)]), epsilon);
  const [normal, upstream] = [byGroup, d].map((t) => g.reshape(t, [b, groups, each, pixels])) as [Tensor, Tensor];
  const sumOfD = g.sum(upstream, [3], true);
  const sumOfDN = g.sum(g.mul(upstream, normal), [3], true);
  return [
    () => {
      const gain = g.reshape(scale, [groups, each, 1]);
      const byGroupMean = (sums: Tensor) => g.div(g.sum(g.mul(sums, gain), [2], true), count);
      const inverse = g.reshape(r, [b, groups, 1, 1]);
      const along = g.mul(normal, g.mul(inverse, byGroupMean(sumOfDN)));
      const level = g.mul(inverse, byGroupMean(sumOfD));
      return g.reshape(g.sub(g.sub(g.mul(upstream, g.mul(inverse, gain)), along), level), x.shape);
    },
    () => g.reshape(g.sum(sumOfDN, [0]), [channels]),
    () => g.reshape(g.sum(sumOfD, [0]), [channels]),
  ];
};
