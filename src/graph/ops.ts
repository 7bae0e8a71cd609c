/** @file The functions that make tensors, one an op. Each checks shapes at once, so a mistake shows where it is made. */

import type { DType } from "../base/dtype.ts";
import { addDims, type Dim, mulDims, type Shape } from "./dim.ts";
import { type ShapeRule, shapeRules } from "./shape-rules.ts";
import type { OpAttributes, OpName, Tensor, TensorOf } from "./tensor.ts";

type Inner = Exclude<OpName, "input" | "weight" | "constant">;

/** A matmul's operands that are given transposed. */
export type Transposed = { readonly transposeA?: boolean; readonly transposeB?: boolean };

/** Any op by name, for code that treats all ops alike; the named functions below are for people. */
export function makeTensor<Op extends Inner>(op: Op, inputs: readonly Tensor[], attributes: OpAttributes[Op]): Tensor {
  const rule = shapeRules[op] as ShapeRule<Op>;
  return { op, inputs, attributes, ...rule(inputs, attributes) } as TensorOf<Op> as Tensor;
}

export function input(name: string, shape: Shape, dtype: DType = "f32"): Tensor {
  return { op: "input", inputs: [], attributes: { name }, shape, dtype };
}

export function weight(name: string, shape: readonly number[]): Tensor {
  return { op: "weight", inputs: [], attributes: { name }, shape, dtype: "f32" };
}

export function constant(values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
  return { op: "constant", inputs: [], attributes: { values }, shape, dtype: "f32" };
}

export function scalar(value: number): Tensor {
  return constant([value], []);
}

/** A size as a number that only a run knows. */
export const extent = (of: Dim): Tensor => makeTensor("extent", [], { of });

export const neg = (x: Tensor): Tensor => makeTensor("neg", [x], {});
export const exp = (x: Tensor): Tensor => makeTensor("exp", [x], {});
export const log = (x: Tensor): Tensor => makeTensor("log", [x], {});
export const sqrt = (x: Tensor): Tensor => makeTensor("sqrt", [x], {});
export const sin = (x: Tensor): Tensor => makeTensor("sin", [x], {});
export const cos = (x: Tensor): Tensor => makeTensor("cos", [x], {});
export const erf = (x: Tensor): Tensor => makeTensor("erf", [x], {});
export const tanh = (x: Tensor): Tensor => makeTensor("tanh", [x], {});
export const sigmoid = (x: Tensor): Tensor => makeTensor("sigmoid", [x], {});

export const add = (a: Tensor, b: Tensor): Tensor => makeTensor("add", [a, b], {});
export const sub = (a: Tensor, b: Tensor): Tensor => makeTensor("sub", [a, b], {});
export const mul = (a: Tensor, b: Tensor): Tensor => makeTensor("mul", [a, b], {});
export const div = (a: Tensor, b: Tensor): Tensor => makeTensor("div", [a, b], {});

export function sum(x: Tensor, axes: readonly number[], keepDims = false): Tensor {
  return makeTensor("sum", [x], { axes, keepDims });
}

export function mean(x: Tensor, axes: readonly number[], keepDims = false): Tensor {
  return makeTensor("mean", [x], { axes, keepDims });
}

export function max(x: Tensor, axes: readonly number[], keepDims = false): Tensor {
  return makeTensor("max", [x], { axes, keepDims });
}

export const reshape = (x: Tensor, shape: Shape): Tensor => makeTensor("reshape", [x], { shape });
export const transpose = (x: Tensor, order: readonly number[]): Tensor => makeTensor("transpose", [x], { order });
export const concat = (xs: readonly Tensor[], axis: number): Tensor => makeTensor("concat", xs, { axis });
export const gather = (table: Tensor, ids: Tensor): Tensor => makeTensor("gather", [table, ids], {});

export function slice(x: Tensor, axis: number, start: Dim, end: Dim): Tensor {
  return makeTensor("slice", [x], { axis, start, end });
}

export function pad(x: Tensor, before: Shape, after: Shape): Tensor {
  return makeTensor("pad", [x], { before, after });
}

export const expand = (x: Tensor, shape: Shape): Tensor => makeTensor("expand", [x], { shape });

export function scatterRows(ids: Tensor, values: Tensor, rows: Dim): Tensor {
  return makeTensor("scatterRows", [ids, values], { rows });
}

/** `parts` equal pieces of one axis, whose size must be a known number. */
export function split(x: Tensor, axis: number, parts: number): Tensor[] {
  const length = (x.shape[axis] as number) / parts;
  return Array.from({ length: parts }, (_, i) => slice(x, axis, i * length, (i + 1) * length));
}

export function resizeNearest(x: Tensor, height: Dim, width: Dim): Tensor {
  return makeTensor("resizeNearest", [x], { height, width });
}

export function matmul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: Transposed = {}): Tensor {
  return makeTensor("matmul", [a, b], { transposeA, transposeB });
}

export function conv2d(
  x: Tensor,
  kernel: Tensor,
  bias: Tensor | undefined,
  { stride, padding }: OpAttributes["conv2d"],
): Tensor {
  return makeTensor("conv2d", bias ? [x, kernel, bias] : [x, kernel], { stride, padding });
}

export function convTranspose2d(y: Tensor, kernel: Tensor, attributes: OpAttributes["convTranspose2d"]): Tensor {
  return makeTensor("convTranspose2d", [y, kernel], attributes);
}

export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  return makeTensor("linear", bias ? [x, weight, bias] : [x, weight], {});
}

export const silu = (x: Tensor): Tensor => makeTensor("silu", [x], {});
export const gelu = (x: Tensor): Tensor => makeTensor("gelu", [x], {});
export const quickGelu = (x: Tensor): Tensor => makeTensor("quickGelu", [x], {});
export const softmax = (x: Tensor): Tensor => makeTensor("softmax", [x], {});

export const standardise = (x: Tensor, epsilon: number): Tensor => makeTensor("standardise", [x], { epsilon });

export function inverseDeviation(x: Tensor, epsilon: number): Tensor {
  return makeTensor("inverseDeviation", [x], { epsilon });
}

export function layerNorm(x: Tensor, scale: Tensor, shift: Tensor, epsilon: number): Tensor {
  return makeTensor("layerNorm", [x, scale, shift], { epsilon });
}

export function groupNorm(x: Tensor, scale: Tensor, shift: Tensor, groups: number, epsilon: number): Tensor {
  return makeTensor("groupNorm", [x, scale, shift], { groups, epsilon });
}

export function attention(q: Tensor, k: Tensor, v: Tensor, heads: number, causal = false): Tensor {
  return makeTensor("attention", [q, k, v], { heads, causal });
}

/** [b, c, h, w] as tokens [b, h*w, c]. */
export function tokensOf(x: Tensor): Tensor {
  const [b, c, h, w] = x.shape as [Dim, Dim, Dim, Dim];
  return transpose(reshape(x, [b, c, mulDims(h, w)]), [0, 2, 1]);
}

/** Tokens [b, h*w, c] as [b, c, h, w] again. */
export function imageOf(tokens: Tensor, height: Dim, width: Dim): Tensor {
  const [b, , c] = tokens.shape as [Dim, Dim, Dim];
  return reshape(transpose(tokens, [0, 2, 1]), [b, c, height, width]);
}

/** Twice the height and width. */
export function doubled(x: Tensor): Tensor {
  const [, , h, w] = x.shape as [Dim, Dim, Dim, Dim];
  return resizeNearest(x, addDims(h, h), addDims(w, w));
}
