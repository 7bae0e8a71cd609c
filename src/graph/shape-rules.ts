/** @file The shape and type of every op's result, from its inputs' shapes; where inputs do not fit, both shapes are named. */

import type { DType } from "../base/dtype.ts";
import { IllustriousError } from "../base/error.ts";
import {
  addDims,
  type Dim,
  dimKey,
  elementsOf,
  floorDiv,
  mulDims,
  type Shape,
  sameDim,
  sameShape,
  shapeKey,
} from "./dim.ts";
import type { OpAttributes, OpName, Tensor } from "./tensor.ts";

export type Result = { readonly shape: Shape; readonly dtype: DType };

export type ShapeRule<Op extends OpName> = (inputs: readonly Tensor[], attributes: OpAttributes[Op]) => Result;

/** Leaves state their shape themselves. */
type Leaf = "input" | "weight" | "constant";

function refuse(op: OpName, why: string): never {
  throw new IllustriousError("bad_shape", `${op}: ${why}`);
}

function arity(op: OpName, inputs: readonly Tensor[], least: number, most: number = least): void {
  if (inputs.length >= least && inputs.length <= most) return;
  refuse(op, `takes ${least === most ? least : `${least} to ${most}`} inputs, got ${inputs.length}`);
}

function floats(op: OpName, inputs: readonly Tensor[]): void {
  for (const { dtype } of inputs) if (dtype !== "f32") refuse(op, `works on f32, got ${dtype}`);
}

function rank(op: OpName, x: Tensor, expected: number): void {
  if (x.shape.length !== expected) refuse(op, `needs rank ${expected}, got ${shapeKey(x.shape)}`);
}

function axisOf(op: OpName, axis: number, shape: Shape): number {
  if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length) refuse(op, `axis ${axis} of ${shapeKey(shape)}`);
  return axis;
}

function vectorOf(op: OpName, what: string, x: Tensor, length: Dim): void {
  if (x.shape.length !== 1 || !sameDim(x.shape[0]!, length)) {
    refuse(op, `${what} must be [${dimKey(length)}], got ${shapeKey(x.shape)}`);
  }
}

export function broadcastShapes(op: OpName, a: Shape, b: Shape): Shape {
  const out: Dim[] = [];
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a[a.length - length + i] ?? 1;
    const y = b[b.length - length + i] ?? 1;
    if (x !== 1 && y !== 1 && !sameDim(x, y)) refuse(op, `${shapeKey(a)} and ${shapeKey(b)} do not broadcast`);
    out.push(x === 1 ? y : x);
  }
  return out;
}

/** Windows of `taps` elements, `stride` apart, in `length` elements and `padding` zeros. */
function convolvedSide(length: Dim, taps: Dim, stride: number, padding: number): Dim {
  return addDims(floorDiv(addDims(length, padding, mulDims(-1, taps)), stride), 1);
}

const unary =
  (op: OpName) =>
  (inputs: readonly Tensor[]): Result => {
    arity(op, inputs, 1);
    floats(op, inputs);
    return { shape: inputs[0]!.shape, dtype: "f32" };
  };

const binary =
  (op: OpName) =>
  (inputs: readonly Tensor[]): Result => {
    arity(op, inputs, 2);
    floats(op, inputs);
    return { shape: broadcastShapes(op, inputs[0]!.shape, inputs[1]!.shape), dtype: "f32" };
  };

const reduce =
  (op: OpName) =>
  (inputs: readonly Tensor[], { axes, keepDims }: OpAttributes["sum"]): Result => {
    arity(op, inputs, 1);
    floats(op, inputs);
    const { shape } = inputs[0]!;
    const over = new Set(axes.map((axis) => axisOf(op, axis, shape)));
    if (over.size !== axes.length || over.size === 0) refuse(op, `axes [${axes.join(", ")}] must be distinct and some`);
    const kept = shape.flatMap((dim, i) => (over.has(i) ? (keepDims ? [1] : []) : [dim]));
    return { shape: kept, dtype: "f32" };
  };

export const shapeRules: { readonly [Op in Exclude<OpName, Leaf>]: ShapeRule<Op> } = {
  extent(inputs) {
    arity("extent", inputs, 0);
    return { shape: [], dtype: "f32" };
  },

  neg: unary("neg"),
  exp: unary("exp"),
  log: unary("log"),
  sqrt: unary("sqrt"),
  sin: unary("sin"),
  cos: unary("cos"),
  erf: unary("erf"),
  tanh: unary("tanh"),
  sigmoid: unary("sigmoid"),
  silu: unary("silu"),
  gelu: unary("gelu"),
  quickGelu: unary("quickGelu"),
  softmax: unary("softmax"),
  standardise: unary("standardise"),

  add: binary("add"),
  sub: binary("sub"),
  mul: binary("mul"),
  div: binary("div"),

  sum: reduce("sum"),
  mean: reduce("mean"),
  max: reduce("max"),

  reshape(inputs, { shape }) {
    arity("reshape", inputs, 1);
    const from = inputs[0]!;
    if (!sameDim(elementsOf(from.shape), elementsOf(shape))) {
      const counts = `${dimKey(elementsOf(from.shape))} and ${dimKey(elementsOf(shape))} elements`;
      refuse("reshape", `${shapeKey(from.shape)} to ${shapeKey(shape)}: ${counts}`);
    }
    return { shape, dtype: from.dtype };
  },

  transpose(inputs, { order }) {
    arity("transpose", inputs, 1);
    const { shape, dtype } = inputs[0]!;
    const sorted = [...order].sort((a, b) => a - b);
    if (order.length !== shape.length || sorted.some((axis, i) => axis !== i)) {
      refuse("transpose", `order [${order.join(", ")}] for ${shapeKey(shape)}`);
    }
    return { shape: order.map((axis) => shape[axis]!), dtype };
  },

  concat(inputs, { axis }) {
    arity("concat", inputs, 1, 64);
    const first = inputs[0]!;
    axisOf("concat", axis, first.shape);
    for (const { shape, dtype } of inputs) {
      const fits = shape.length === first.shape.length && dtype === first.dtype;
      if (!fits || shape.some((dim, i) => i !== axis && !sameDim(dim, first.shape[i]!))) {
        refuse("concat", `${shapeKey(first.shape)} and ${shapeKey(shape)} on axis ${axis}`);
      }
    }
    const joined = addDims(...inputs.map(({ shape }) => shape[axis]!));
    return { shape: first.shape.map((dim, i) => (i === axis ? joined : dim)), dtype: first.dtype };
  },

  slice(inputs, { axis, start, end }) {
    arity("slice", inputs, 1);
    const { shape, dtype } = inputs[0]!;
    axisOf("slice", axis, shape);
    const length = addDims(end, mulDims(-1, start));
    if (typeof length === "number" && length < 0) refuse("slice", `${dimKey(start)} to ${dimKey(end)} is empty`);
    return { shape: shape.map((dim, i) => (i === axis ? length : dim)), dtype };
  },

  pad(inputs, { before, after }) {
    arity("pad", inputs, 1);
    floats("pad", inputs);
    const { shape } = inputs[0]!;
    if (before.length !== shape.length || after.length !== shape.length) {
      refuse("pad", `${shapeKey(shape)} by ${shapeKey(before)} and ${shapeKey(after)}`);
    }
    return { shape: shape.map((dim, i) => addDims(before[i]!, dim, after[i]!)), dtype: "f32" };
  },

  expand(inputs, { shape }) {
    arity("expand", inputs, 1);
    floats("expand", inputs);
    const from = inputs[0]!.shape;
    if (!sameShape(broadcastShapes("expand", from, shape), shape)) {
      refuse("expand", `${shapeKey(from)} to ${shapeKey(shape)}`);
    }
    return { shape, dtype: "f32" };
  },

  gather(inputs) {
    arity("gather", inputs, 2);
    const [table, ids] = inputs as [Tensor, Tensor];
    if (ids.dtype !== "i64") refuse("gather", `ids must be i64, got ${ids.dtype}`);
    if (table.shape.length === 0) refuse("gather", "the table is a scalar");
    return { shape: [...ids.shape, ...table.shape.slice(1)], dtype: table.dtype };
  },

  scatterRows(inputs, { rows }) {
    arity("scatterRows", inputs, 2);
    const [ids, values] = inputs as [Tensor, Tensor];
    if (ids.dtype !== "i64") refuse("scatterRows", `ids must be i64, got ${ids.dtype}`);
    floats("scatterRows", [values]);
    if (!sameShape(values.shape.slice(0, ids.shape.length), ids.shape)) {
      refuse("scatterRows", `values ${shapeKey(values.shape)} by ids ${shapeKey(ids.shape)}`);
    }
    return { shape: [rows, ...values.shape.slice(ids.shape.length)], dtype: "f32" };
  },

  resizeNearest(inputs, { height, width }) {
    arity("resizeNearest", inputs, 1);
    floats("resizeNearest", inputs);
    rank("resizeNearest", inputs[0]!, 4);
    const [b, c] = inputs[0]!.shape as [Dim, Dim];
    return { shape: [b, c, height, width], dtype: "f32" };
  },

  matmul(inputs, { transposeA, transposeB }) {
    arity("matmul", inputs, 2);
    floats("matmul", inputs);
    const [a, b] = inputs as [Tensor, Tensor];
    if (a.shape.length < 2 || b.shape.length < 2) refuse("matmul", `${shapeKey(a.shape)} × ${shapeKey(b.shape)}`);
    const matrix = (x: Tensor, transposed: boolean) => {
      const [rows, columns] = x.shape.slice(-2) as [Dim, Dim];
      return transposed ? ([columns, rows] as const) : ([rows, columns] as const);
    };
    const [m, k] = matrix(a, transposeA);
    const [p, n] = matrix(b, transposeB);
    if (!sameDim(k, p)) {
      const shown = (x: Tensor, transposed: boolean) => shapeKey(x.shape) + (transposed ? " transposed" : "");
      refuse("matmul", `${shown(a, transposeA)} × ${shown(b, transposeB)}`);
    }
    const batch = broadcastShapes("matmul", a.shape.slice(0, -2), b.shape.slice(0, -2));
    return { shape: [...batch, m, n], dtype: "f32" };
  },

  conv2d(inputs, { stride, padding }) {
    arity("conv2d", inputs, 2, 3);
    floats("conv2d", inputs);
    const [x, kernel, bias] = inputs as [Tensor, Tensor, Tensor?];
    rank("conv2d", x, 4);
    rank("conv2d", kernel, 4);
    const [b, c, h, w] = x.shape as [Dim, Dim, Dim, Dim];
    const [out, channels, kh, kw] = kernel.shape as [Dim, Dim, Dim, Dim];
    if (!sameDim(c, channels)) refuse("conv2d", `${shapeKey(x.shape)} with kernel ${shapeKey(kernel.shape)}`);
    if (bias) vectorOf("conv2d", "bias", bias, out);
    const [top, left, bottom, right] = padding;
    const height = convolvedSide(h, kh, stride, top + bottom);
    return { shape: [b, out, height, convolvedSide(w, kw, stride, left + right)], dtype: "f32" };
  },

  convTranspose2d(inputs, { stride, padding, height, width }) {
    arity("convTranspose2d", inputs, 2);
    floats("convTranspose2d", inputs);
    const [y, kernel] = inputs as [Tensor, Tensor];
    rank("convTranspose2d", y, 4);
    rank("convTranspose2d", kernel, 4);
    const [b, channels, h, w] = y.shape as [Dim, Dim, Dim, Dim];
    const [out, c, kh, kw] = kernel.shape as [Dim, Dim, Dim, Dim];
    const [top, left, bottom, right] = padding;
    const fits =
      sameDim(channels, out) &&
      sameDim(h, convolvedSide(height, kh, stride, top + bottom)) &&
      sameDim(w, convolvedSide(width, kw, stride, left + right));
    if (!fits) {
      const sides = shapeKey([height, width]);
      refuse("convTranspose2d", `${shapeKey(y.shape)} with kernel ${shapeKey(kernel.shape)} to ${sides}`);
    }
    return { shape: [b, c, height, width], dtype: "f32" };
  },

  linear(inputs) {
    arity("linear", inputs, 2, 3);
    floats("linear", inputs);
    const [x, weight, bias] = inputs as [Tensor, Tensor, Tensor?];
    rank("linear", weight, 2);
    const [out, width] = weight.shape as [Dim, Dim];
    if (x.shape.length < 2 || !sameDim(x.shape.at(-1)!, width)) {
      refuse("linear", `${shapeKey(x.shape)} with weight ${shapeKey(weight.shape)}`);
    }
    if (bias) vectorOf("linear", "bias", bias, out);
    return { shape: [...x.shape.slice(0, -1), out], dtype: "f32" };
  },

  inverseDeviation(inputs) {
    const { shape } = unary("inverseDeviation")(inputs);
    return { shape: [...shape.slice(0, -1), 1], dtype: "f32" };
  },

  layerNorm(inputs) {
    arity("layerNorm", inputs, 3);
    floats("layerNorm", inputs);
    const [x, scale, shift] = inputs as [Tensor, Tensor, Tensor];
    vectorOf("layerNorm", "scale", scale, x.shape.at(-1) ?? 0);
    vectorOf("layerNorm", "shift", shift, x.shape.at(-1) ?? 0);
    return { shape: x.shape, dtype: "f32" };
  },

  groupNorm(inputs, { groups }) {
    arity("groupNorm", inputs, 3);
    floats("groupNorm", inputs);
    const [x, scale, shift] = inputs as [Tensor, Tensor, Tensor];
    const channels = x.shape[1];
    if (typeof channels !== "number" || channels % groups !== 0) {
      refuse("groupNorm", `${groups} groups do not divide the channels of ${shapeKey(x.shape)}`);
    }
    vectorOf("groupNorm", "scale", scale, channels);
    vectorOf("groupNorm", "shift", shift, channels);
    return { shape: x.shape, dtype: "f32" };
  },

  attention(inputs, { heads, causal }) {
    arity("attention", inputs, 3);
    floats("attention", inputs);
    const [q, k, v] = inputs as [Tensor, Tensor, Tensor];
    for (const x of inputs) rank("attention", x, 3);
    const width = q.shape[2]!;
    if (typeof width !== "number" || width % heads !== 0) refuse("attention", `${heads} heads in ${shapeKey(q.shape)}`);
    const fits = [k, v].every((x) => sameDim(x.shape[0]!, q.shape[0]!) && sameDim(x.shape[2]!, width));
    if (!fits || !sameDim(k.shape[1]!, v.shape[1]!)) {
      refuse("attention", `q ${shapeKey(q.shape)}, k ${shapeKey(k.shape)}, v ${shapeKey(v.shape)}`);
    }
    if (causal && !sameDim(q.shape[1]!, k.shape[1]!)) {
      refuse("attention", `causal needs as many keys as queries: ${shapeKey(q.shape)}, ${shapeKey(k.shape)}`);
    }
    return { shape: q.shape, dtype: "f32" };
  },
};
