/**
 * @file The value of every op in float64, written for certainty and not for speed. Composite ops without a row of their
 * own are computed through their decomposition, so what a decomposition means is tested by the same interpreter.
 */

import { internalError } from "../../base/error.ts";
import type { Composite } from "../../graph/decompose.ts";
import { evaluateDim, type Sizes } from "../../graph/dim.ts";
import type { OpName, TensorOf } from "../../graph/tensor.ts";
import { broadcastStrides, emptyArray, type NdArray, sizeOf, stridesOf, walk } from "./array.ts";
import { conv2d, convTranspose2d } from "./convolution.ts";

export type Context = { readonly shape: readonly number[]; readonly sizes: Sizes };

export type ReferenceRule<Op extends OpName> = (
  inputs: readonly NdArray[],
  attributes: TensorOf<Op>["attributes"],
  context: Context,
) => NdArray;

type Leaf = "input" | "weight";
type Unary = (inputs: readonly NdArray[]) => NdArray;

const each =
  (f: (x: number) => number): Unary =>
  ([x]) => ({ data: x!.data.map(f), shape: x!.shape });

const pairwise =
  (f: (a: number, b: number) => number) =>
  ([a, b]: readonly NdArray[], _attributes: unknown, { shape }: Context): NdArray => {
    const out = emptyArray(shape);
    const strides = [broadcastStrides(a!.shape, shape), broadcastStrides(b!.shape, shape)];
    walk(shape, strides, (i, [p, q]) => {
      out.data[i] = f(a!.data[p!]!, b!.data[q!]!);
    });
    return out;
  };

const fold =
  (first: number, f: (acc: number, x: number) => number) =>
  ([x]: readonly NdArray[], { axes }: { axes: readonly number[] }, { shape }: Context): NdArray => {
    const kept = x!.shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
    const out = emptyArray(shape);
    out.data.fill(first);
    walk(x!.shape, [broadcastStrides(kept, x!.shape)], (i, [p]) => {
      out.data[p!] = f(out.data[p!]!, x!.data[i]!);
    });
    return out;
  };

export const referenceRules: { readonly [Op in Exclude<OpName, Leaf | Composite>]: ReferenceRule<Op> } = {
  constant: (_inputs, { values }, { shape }) => ({ data: Float64Array.from(values), shape }),
  extent: (_inputs, { of }, { shape, sizes }) => ({ data: Float64Array.of(evaluateDim(of, sizes)), shape }),

  neg: each((x) => -x),
  exp: each(Math.exp),
  log: each(Math.log),
  sqrt: each(Math.sqrt),
  sin: each(Math.sin),
  cos: each(Math.cos),
  erf: each(erf),
  tanh: each(Math.tanh),
  sigmoid: each((x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)))),

  add: pairwise((a, b) => a + b),
  sub: pairwise((a, b) => a - b),
  mul: pairwise((a, b) => a * b),
  div: pairwise((a, b) => a / b),

  sum: fold(0, (acc, x) => acc + x),
  max: fold(Number.NEGATIVE_INFINITY, Math.max),

  reshape: ([x], _attributes, { shape }) => ({ data: x!.data, shape }),

  transpose([x], { order }, { shape }) {
    const out = emptyArray(shape);
    const from = stridesOf(x!.shape);
    walk(shape, [order.map((axis) => from[axis]!)], (i, [p]) => {
      out.data[i] = x!.data[p!]!;
    });
    return out;
  },

  concat(inputs, { axis }, { shape }) {
    const out = emptyArray(shape);
    const strides = stridesOf(shape);
    let start = 0;
    for (const x of inputs) {
      walk(x.shape, [strides], (i, [p]) => {
        out.data[p! + start * strides[axis]!] = x.data[i]!;
      });
      start += x.shape[axis]!;
    }
    return out;
  },

  slice([x], { axis, start }, { shape, sizes }) {
    const out = emptyArray(shape);
    const strides = stridesOf(x!.shape);
    const from = evaluateDim(start, sizes) * strides[axis]!;
    walk(shape, [strides], (i, [p]) => {
      out.data[i] = x!.data[p! + from]!;
    });
    return out;
  },

  pad([x], { before }, { shape, sizes }) {
    const out = emptyArray(shape);
    const shift = before.map((dim) => evaluateDim(dim, sizes));
    const from = stridesOf(x!.shape);
    const to = stridesOf(shape);
    walk(shape, [to], (i) => {
      let source = 0;
      for (let axis = 0; axis < shape.length; axis++) {
        const at = (Math.floor(i / to[axis]!) % shape[axis]!) - shift[axis]!;
        if (at < 0 || at >= x!.shape[axis]!) return;
        source += at * from[axis]!;
      }
      out.data[i] = x!.data[source]!;
    });
    return out;
  },

  expand([x], _attributes, { shape }) {
    const out = emptyArray(shape);
    walk(shape, [broadcastStrides(x!.shape, shape)], (i, [p]) => {
      out.data[i] = x!.data[p!]!;
    });
    return out;
  },

  gather([table, ids], _attributes, { shape }) {
    const rows = table!.shape[0]!;
    const width = sizeOf(table!.shape.slice(1));
    const out = emptyArray(shape);
    ids!.data.forEach((id, i) => {
      if (!(id >= 0 && id < rows)) throw internalError(`gather of row ${id} from ${rows}`);
      out.data.set(table!.data.subarray(id * width, (id + 1) * width), i * width);
    });
    return out;
  },

  scatterRows([ids, values], _attributes, { shape }) {
    const rows = shape[0]!;
    const width = sizeOf(shape.slice(1));
    const out = emptyArray(shape);
    ids!.data.forEach((id, i) => {
      if (!(id >= 0 && id < rows)) throw internalError(`scatter to row ${id} of ${rows}`);
      for (let j = 0; j < width; j++) out.data[id * width + j]! += values!.data[i * width + j]!;
    });
    return out;
  },

  resizeNearest([x], _attributes, { shape }) {
    const [, , h, w] = x!.shape as [number, number, number, number];
    const [b, c, height, width] = shape as [number, number, number, number];
    const out = emptyArray(shape);
    for (let image = 0; image < b * c; image++) {
      for (let i = 0; i < height; i++) {
        const row = (image * h + Math.floor((i * h) / height)) * w;
        for (let j = 0; j < width; j++) {
          out.data[(image * height + i) * width + j] = x!.data[row + Math.floor((j * w) / width)]!;
        }
      }
    }
    return out;
  },

  matmul([a, b], { transposeA, transposeB }, { shape }) {
    const k = a!.shape.at(transposeA ? -2 : -1)!;
    const [m, n] = shape.slice(-2) as [number, number];
    const batch = shape.slice(0, -2);
    const out = emptyArray(shape);
    const strides = [a!, b!].map((x) => broadcastStrides([...x.shape.slice(0, -2), 1, 1], [...batch, 1, 1]));
    // Strides count matrices' elements, since the trailing [1, 1] stands for the whole matrix.
    const matrix = [m * k, k * n];
    const inMatrices = strides.map((s, i) => s.slice(0, batch.length).map((stride) => stride * matrix[i]!));
    const [overM, alongK] = transposeA ? [1, m] : [k, 1];
    const [overK, overN] = transposeB ? [1, k] : [n, 1];
    walk(batch, inMatrices, (position, [p, q]) => {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let l = 0; l < k; l++)
            sum += a!.data[p! + i * overM + l * alongK]! * b!.data[q! + l * overK + j * overN]!;
          out.data[(position * m + i) * n + j] = sum;
        }
      }
    });
    return out;
  },

  conv2d,
  convTranspose2d,
};

/** The error function to about 1e-16: its series near 0, the continued fraction of erfc (Lentz) further out. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let n = 1; Math.abs(term) > 1e-18 * sum; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
      if (n > 200) break;
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 120; n >= 1; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / ((a + fraction) * Math.sqrt(Math.PI)));
}
