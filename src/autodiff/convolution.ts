/**
 * @file Gradients of convolutions. A kernel K ties an image x to an image y by one sum of products,
 * ⟨y, K, x⟩ = Σ y[o, i, j] K[o, c, di, dj] x[c, s i + di - top, s j + dj - left], linear in each of the three. conv2d, its
 * transpose and the kernel's gradient are the sum without y, without x and without K.
 *
 * Axis letters: b batch, c channels of x, o channels of y, [h, w] of x, [height, width] of y, [kh, kw] of the kernel.
 */

import { addDims, type Dim, mulDims } from "../graph/dim.ts";
import * as g from "../graph/ops.ts";
import type { OpAttributes, Tensor } from "../graph/tensor.ts";
import { type GradientRule, padded } from "./rule.ts";

type Geometry = OpAttributes["conv2d"];
type Shape4 = readonly [Dim, Dim, Dim, Dim];

export const conv2dGradient: GradientRule<"conv2d"> = ({ inputs: [x, kernel], attributes }, d) => {
  const [, , height, width] = x!.shape as Shape4;
  return [
    () => g.convTranspose2d(d, kernel!, { ...attributes, height, width }),
    () => kernelGradient(x!, d, kernel!, attributes),
    () => g.sum(d, [0, 2, 3]),
  ];
};

export const convTranspose2dGradient: GradientRule<"convTranspose2d"> = ({ inputs: [y, kernel], attributes }, d) => {
  const { stride, padding } = attributes;
  return [() => g.conv2d(d, kernel!, undefined, { stride, padding }), () => kernelGradient(d, y!, kernel!, attributes)];
};

/**
 * One matrix product for each of the kernel's taps: y [o, b*height*width] with what the tap saw of x
 * [b*height*width, c]. Of the forms measured (bench/autodiff.md) the fastest at every size: neither side is transposed
 * in the product, and a tap is one copy of whole rows of channels.
 */
function kernelGradient(x: Tensor, y: Tensor, kernel: Tensor, geometry: Geometry): Tensor {
  const [b, o, height, width] = y.shape as Shape4;
  const [, c, kh, kw] = kernel.shape as [number, number, number, number];
  const pixels = mulDims(b, height, width);
  const byChannel = g.reshape(g.transpose(y, [1, 0, 2, 3]), [o, pixels]);
  const taps = tapsOf(x, kh, kw, height, width, geometry);
  const products = taps.map((tap) => g.matmul(byChannel, g.reshape(tap, [pixels, c])));
  if (products.length === 1) return g.reshape(products[0]!, kernel.shape);
  // From tap by tap to taps innermost. A product with the identity is a transposition, and six times as fast as the kernel
  // of that name for a matrix so flat.
  const byTap = g.reshape(g.concat(products, 0), [kh * kw, mulDims(o, c)]);
  return g.reshape(g.matmul(byTap, identityMatrix(kh * kw), { transposeA: true }), kernel.shape);
}

function identityMatrix(n: number): Tensor {
  const values = Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  return g.constant(values, [n, n]);
}

/** For each tap, row by row, the pixels of x [b, c, h, w] that it meets in every window: [b, height, width, c]. */
function tapsOf(x: Tensor, kh: number, kw: number, height: Dim, width: Dim, { stride, padding }: Geometry): Tensor[] {
  const [b, c, h, w] = x.shape as Shape4;
  const [top, left] = padding;
  // Windows lie `stride` apart: the pixels in steps of `stride` from each of the first ones are images of their own.
  const [moreRows, moreColumns] = [Math.ceil(kh / stride) - 1, Math.ceil(kw / stride) - 1];
  const [rows, columns] = [addDims(height, moreRows), addDims(width, moreColumns)];
  const [below, beside] = [missing(rows, stride, h, top), missing(columns, stride, w, left)];
  const whole = padded(g.transpose(x, [0, 2, 3, 1]), [0, top, left, 0], [0, below, beside, 0]);
  const phase = (p: number, q: number): Tensor => {
    if (stride === 1) return whole;
    const steps = g.reshape(whole, [b, rows, stride, columns, stride, c]);
    return g.reshape(g.slice(g.slice(steps, 2, p, p + 1), 4, q, q + 1), [b, rows, columns, c]);
  };
  const phases = grid(Math.min(stride, kh), Math.min(stride, kw), phase);
  return grid(kh, kw, (di, dj) => {
    const [down, across] = [Math.floor(di / stride), Math.floor(dj / stride)];
    const image = phases[di % stride]![dj % stride]!;
    return padded(image, [0, -down, -across, 0], [0, down - moreRows, across - moreColumns, 0]);
  }).flat();
}

/** What `count` steps of `stride` need beyond `length` pixels with `before` zeros before them; below 0, what is too much. */
function missing(count: Dim, stride: number, length: Dim, before: number): Dim {
  return addDims(mulDims(stride, count), mulDims(-1, length), -before);
}

function grid<T>(rows: number, columns: number, make: (row: number, column: number) => T): T[][] {
  return Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, column) => make(row, column)));
}
