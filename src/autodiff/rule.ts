/** @file What a row of the gradient table is, and the arithmetic that most rows share. */

import { type Dim, sameDim } from "../graph/dim.ts";
import * as g from "../graph/ops.ts";
import type { OpName, Tensor, TensorOf } from "../graph/tensor.ts";

/** Says why there is no gradient, as the end of "… has no gradient: ". */
export type NoGradient = { readonly none: string };

/** Makes the gradient of one input. Called only where that gradient is wanted, so nothing is built for frozen parts. */
export type Pull = () => Tensor;

/**
 * For an op's result `y` and the gradient `d` of the loss with respect to it, of y's shape: one entry an input, in order,
 * each giving a gradient of that input's shape.
 */
export type GradientRule<Op extends OpName> = (y: TensorOf<Op> & Tensor, d: Tensor) => readonly (Pull | NoGradient)[];

/** The sum of `d` over all that broadcasting repeated to make its shape of `shape`. */
export function unbroadcast(d: Tensor, shape: readonly Dim[]): Tensor {
  const lead = d.shape.length - shape.length;
  const repeated = d.shape.flatMap((dim, i) => (i < lead || !sameDim(dim, shape[i - lead]!) ? [i] : []));
  return repeated.length === 0 ? d : g.reshape(g.sum(d, repeated), shape);
}

/** Zeros around `x`, or pieces cut off where an amount is below 0; `x` itself where nothing changes. */
export function padded(x: Tensor, before: readonly Dim[], after: readonly Dim[]): Tensor {
  return [...before, ...after].every((dim) => dim === 0) ? x : g.pad(x, before, after);
}
