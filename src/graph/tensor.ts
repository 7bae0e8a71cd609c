/**
 * @file What a graph is made of: tensors, each the result of one op on other tensors.
 *
 * A tensor is a description, not numbers. It is immutable and knows its inputs, so a graph is simply the tensors that
 * can be reached from its outputs. Axis letters in this folder: b batch, c channels, h height, w width, s tokens.
 */

import type { DType } from "../base/dtype.ts";
import type { Dim, Shape } from "./dim.ts";

/** Every op with its attributes. A rule table is `{ [Op in OpName]: … }`, so that a missing row does not compile. */
export type OpAttributes = {
  /** A value handed in with each run. */
  input: { readonly name: string };
  /** A parameter that lives in a file. */
  weight: { readonly name: string };
  constant: { readonly values: readonly number[] };
  /** A size as an f32 scalar. */
  extent: { readonly of: Dim };

  neg: Nothing;
  exp: Nothing;
  log: Nothing;
  sqrt: Nothing;
  sin: Nothing;
  cos: Nothing;
  erf: Nothing;
  tanh: Nothing;
  sigmoid: Nothing;

  /** Binary ops broadcast as NumPy does. */
  add: Nothing;
  sub: Nothing;
  mul: Nothing;
  div: Nothing;

  sum: { readonly axes: readonly number[]; readonly keepDims: boolean };
  mean: { readonly axes: readonly number[]; readonly keepDims: boolean };
  max: { readonly axes: readonly number[]; readonly keepDims: boolean };

  reshape: { readonly shape: Shape };
  transpose: { readonly order: readonly number[] };
  concat: { readonly axis: number };
  /** Elements start … end - 1 of one axis. */
  slice: { readonly axis: number; readonly start: Dim; readonly end: Dim };
  /** Zeros before and after each axis; an amount below 0 takes elements away. */
  pad: { readonly before: Shape; readonly after: Shape };
  /** Repeats what broadcasting would repeat. */
  expand: { readonly shape: Shape };
  /** Rows of a table [n, …] by ids of any shape. */
  gather: Nothing;
  /** By ids, values [ids' shape, …] added into a table [rows, …] of zeros; an id may come more than once. */
  scatterRows: { readonly rows: Dim };
  /** [b, c, h, w] to another height and width; source index floor(target index * source size / target size). */
  resizeNearest: { readonly height: Dim; readonly width: Dim };

  /** [..., m, k] × [..., k, n]; a transposed one is given as [..., k, m] or [..., n, k]. */
  matmul: { readonly transposeA: boolean; readonly transposeB: boolean };
  /** [b, c, h, w] with a kernel [o, c, kh, kw] and an optional bias [o]; padding is top, left, bottom, right. */
  conv2d: { readonly stride: number; readonly padding: readonly [number, number, number, number] };
  /** conv2d's transpose: [b, o, h', w'] with the same kernel [o, c, kh, kw] gives the [b, c, height, width] that it came from. */
  convTranspose2d: {
    readonly stride: number;
    readonly padding: readonly [number, number, number, number];
    readonly height: Dim;
    readonly width: Dim;
  };

  // Composite ops: each has a decomposition into the ops above (decompose.ts), and a runtime may know a faster way.
  /** [..., k] with a weight [n, k] as PyTorch keeps it, and an optional bias [n]. */
  linear: Nothing;
  silu: Nothing;
  /** x Φ(x), by the error function. */
  gelu: Nothing;
  /** x sigmoid(1.702 x): the first CLIP encoder's activation. */
  quickGelu: Nothing;
  /** Over the last axis. */
  softmax: Nothing;
  /** Over the last axis to mean 0 and variance 1: (x - mean) (variance + epsilon)^-½. */
  standardise: { readonly epsilon: number };
  /** (variance + epsilon)^-½ over the last axis, which becomes 1 long. */
  inverseDeviation: { readonly epsilon: number };
  /** Standardised over the last axis, then scale and shift. */
  layerNorm: { readonly epsilon: number };
  /** [b, c, …], statistics over each of `groups` runs of channels and all that follows, then scale and shift by channel. */
  groupNorm: { readonly groups: number; readonly epsilon: number };
  /** q [b, s, heads*d], k and v [b, t, heads*d]; scores scaled by d^-½; causal: token i sees tokens 0 … i. */
  attention: { readonly heads: number; readonly causal: boolean };
};

type Nothing = Readonly<Record<never, never>>;

export type OpName = keyof OpAttributes;

export type TensorOf<Op extends OpName> = {
  readonly op: Op;
  readonly inputs: readonly Tensor[];
  readonly attributes: OpAttributes[Op];
  readonly shape: Shape;
  readonly dtype: DType;
};

export type Tensor = { [Op in OpName]: TensorOf<Op> }[OpName];
