/**
 * @file Gradients of matrix products: two more matrix products, with the transpositions left to their kernels.
 * For C = A B: dA = dC Bᵀ, dB = Aᵀ dC.
 */

import { elementsOf } from "../graph/dim.ts";
import * as g from "../graph/ops.ts";
import type { Tensor } from "../graph/tensor.ts";
import { type GradientRule, unbroadcast } from "./rule.ts";

export const matmulGradient: GradientRule<"matmul"> = ({ inputs, attributes: { transposeA, transposeB } }, d) => {
  const [a, b] = inputs as [Tensor, Tensor];
  return [
    () => {
      const product = transposeA
        ? g.matmul(b, d, { transposeA: transposeB, transposeB: true })
        : g.matmul(d, b, { transposeB: !transposeB });
      return unbroadcast(product, a.shape);
    },
    () => {
      // One matrix for many: their rows are one long matrix, and the sum over the many is inside the product.
      if (b.shape.length === 2 && a.shape.length > 2 && !transposeA) return productOfRows(a, d, transposeB);
      const product = transposeB
        ? g.matmul(d, a, { transposeA: true, transposeB: transposeA })
        : g.matmul(a, d, { transposeA: !transposeA });
      return unbroadcast(product, b.shape);
    },
  ];
};

/** y = x Wᵀ + bias. */
export const linearGradient: GradientRule<"linear"> = ({ inputs }, d) => {
  const [x, weight] = inputs as [Tensor, Tensor];
  return [
    () => g.matmul(d, weight),
    () => productOfRows(x, d, true),
    () =>
      g.sum(
        d,
        d.shape.slice(0, -1).map((_, axis) => axis),
      ),
  ];
};

/** xᵀ d [k, n] over all rows of x [..., k] and d [..., n]; swapped: dᵀ x [n, k]. */
function productOfRows(x: Tensor, d: Tensor, swapped: boolean): Tensor {
  const [first, second] = swapped ? [rowsOf(d), rowsOf(x)] : [rowsOf(x), rowsOf(d)];
  return g.matmul(first, second, { transposeA: true });
}

function rowsOf(x: Tensor): Tensor {
  return x.shape.length === 2 ? x : g.reshape(x, [elementsOf(x.shape.slice(0, -1)), x.shape.at(-1)!]);
}
