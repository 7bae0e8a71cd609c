/** @file How every op is written for ONNX Runtime: the fastest form that a benchmark has shown for its CPU kernels. */

import { internalError } from "../../base/error.ts";
import { type Dim, elementsOf, sameDim } from "../../graph/dim.ts";
import type { OpAttributes, OpName, Tensor, TensorOf } from "../../graph/tensor.ts";
import {
  blockedConvolution,
  type KernelShape,
  kernelInBlocks,
  reversal,
  turnedKernelInBlocks,
} from "./blocked-convolution.ts";
import type { Emitter } from "./emitter.ts";

/** Writes the op's nodes, given its inputs' names; returns its output's name. */
export type EmissionRule<Op extends OpName> = (tensor: TensorOf<Op>, inputs: readonly string[], e: Emitter) => string;

/** Kernels that are ONNX Runtime's own and not in the ONNX standard. */
export const CONTRIB = "com.microsoft";

const simple =
  (op: string) =>
  (_tensor: Tensor, inputs: readonly string[], e: Emitter): string =>
    e.node(op, inputs);

type Reduction = { readonly attributes: OpAttributes["sum"] };

const reduction =
  (op: string) =>
  ({ attributes: { axes, keepDims } }: Reduction, inputs: readonly string[], e: Emitter): string =>
    e.node(op, [inputs[0]!, e.ints(axes)], { keepdims: keepDims ? 1 : 0 });

export const emissionRules: { readonly [Op in OpName]: EmissionRule<Op> } = {
  input: ({ attributes }) => attributes.name,
  weight: (tensor, _inputs, e) => e.weight(tensor),
  constant: ({ attributes, shape }, _inputs, e) => e.floats(attributes.values, shape as readonly number[]),
  extent: ({ attributes: { of } }, _inputs, e) => {
    if (typeof of === "number") return e.floats([of], []);
    return e.node("Reshape", [e.node("Cast", [e.dim(of)], { to: 1 }), e.ints([])]);
  },

  neg: simple("Neg"),
  exp: simple("Exp"),
  log: simple("Log"),
  sqrt: simple("Sqrt"),
  sin: simple("Sin"),
  cos: simple("Cos"),
  erf: simple("Erf"),
  tanh: simple("Tanh"),
  sigmoid: simple("Sigmoid"),

  add: simple("Add"),
  sub: simple("Sub"),
  mul: simple("Mul"),
  div: simple("Div"),

  sum: reduction("ReduceSum"),
  mean: reduction("ReduceMean"),
  max: reduction("ReduceMax"),

  reshape: ({ shape }, [x], e) => e.node("Reshape", [x!, e.shapeVector(shape, true)]),
  transpose: ({ attributes: { order } }, inputs, e) => e.node("Transpose", inputs, { perm: order }),
  concat: ({ attributes: { axis } }, inputs, e) => e.node("Concat", inputs, { axis }),

  slice: ({ attributes: { axis, start, end } }, [x], e) =>
    e.node("Slice", [x!, e.dim(start), e.dim(end), e.ints([axis])]),

  pad: ({ attributes: { before, after } }, [x], e) => e.node("Pad", [x!, e.shapeVector([...before, ...after], false)]),
  expand: ({ shape }, [x], e) => e.node("Expand", [x!, e.shapeVector(shape, false)]),

  gather({ inputs: [table] }, [tableName, ids], e) {
    if (table?.op !== "weight") return e.node("Gather", [tableName!, ids!], { axis: 0 });
    // Rows first, then the cast: a vocabulary is large and a prompt is short.
    const rows = e.node("Gather", [e.rawWeight(table), ids!], { axis: 0 });
    return e.source(table).dtype === "F32" ? rows : e.node("Cast", [rows], { to: 1 });
  },

  scatterRows({ inputs: [ids], shape }, [idsName, values], e) {
    // ScatterND adds from several threads at once and loses additions to the same row; ScatterElements does not.
    const [rows, ...rest] = shape as [Dim, ...Dim[]];
    const width = elementsOf(rest);
    const count = elementsOf(ids!.shape);
    const zeros = e.node("ConstantOfShape", [e.shapeVector([rows, width], false)]);
    const column = e.node("Reshape", [idsName!, e.ints([-1, 1])]);
    const indices = e.node("Expand", [column, e.shapeVector([count, width], false)]);
    const updates = e.node("Reshape", [values!, e.shapeVector([count, width], true)]);
    const table = e.node("ScatterElements", [zeros, indices, updates], { axis: 0, reduction: "add" });
    return e.node("Reshape", [table, e.shapeVector(shape, true)]);
  },

  resizeNearest({ inputs: [x], attributes: { height, width }, shape }, [name], e) {
    const modes = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
    const [, , h, w] = x!.shape;
    if (sameDim(h!, height) && sameDim(w!, width)) return name!;
    return e.node("Resize", [name!, "", "", e.shapeVector(shape, false)], modes);
  },

  matmul({ attributes: { transposeA, transposeB } }, inputs, e) {
    if (!transposeA && !transposeB) return e.node("MatMul", inputs);
    return e.node("FusedMatMul", inputs, { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 }, CONTRIB);
  },

  conv2d({ inputs: [, kernel], attributes: { stride, padding } }, inputs, e) {
    const shape = kernel!.shape as KernelShape;
    const attributes = { kernel_shape: shape.slice(2), strides: [stride, stride], pads: padding };
    const block = e.blockOf(kernel!);
    if (block === undefined) return e.node("Conv", inputs, attributes);
    const [x, name, bias] = inputs as [string, string, string?];
    return blockedConvolution(x, kernelInBlocks(name, shape, block, e), bias, shape[0], attributes, e);
  },

  convTranspose2d({ inputs: [, kernel], attributes: { stride, padding, height, width } }, inputs, e) {
    const shape = kernel!.shape as KernelShape;
    const [o, c, kh, kw] = shape;
    const [top, left, bottom, right] = padding;
    const pads = [kh - 1 - top, kw - 1 - left, kh - 1 - bottom, kw - 1 - right];
    if (stride === 1 && pads.every((pad) => pad >= 0)) {
      // A convolution with the kernel turned half round and its channels swapped: ConvTranspose is a fifth slower.
      const [y, name] = inputs as [string, string];
      const attributes = { kernel_shape: [kh, kw], strides: [1, 1], pads };
      const block = e.blockOf(kernel!);
      if (block !== undefined) {
        return blockedConvolution(y, turnedKernelInBlocks(name, shape, block, e), undefined, c, attributes, e);
      }
      const swapped = e.node("Transpose", [name], { perm: [1, 0, 2, 3] });
      // The product with a permutation takes an eighth of the time of Slice with steps of -1.
      const flat = e.node("Reshape", [swapped, e.ints([c * o, kh * kw])]);
      const turned = e.node("Reshape", [e.node("MatMul", [flat, reversal(kh * kw, e)]), e.ints([c, o, kh, kw])]);
      return e.node("Conv", [y, turned], attributes);
    }
    // Enough rows and columns for any size that gives this one by convolution; those that were never there are cut.
    const rest = [stride - 1, stride - 1];
    const attributes = {
      kernel_shape: [kh, kw],
      strides: [stride, stride],
      pads: [top, left, 0, 0],
      output_padding: rest,
    };
    const whole = e.node("ConvTranspose", inputs, attributes);
    return e.node("Slice", [whole, e.ints([0, 0]), e.shapeVector([height, width], false), e.ints([2, 3])]);
  },

  linear(_tensor, [x, weight, bias], e) {
    const product = e.node("FusedMatMul", [x!, weight!], { transB: 1 }, CONTRIB);
    return bias ? e.node("Add", [product, bias]) : product;
  },

  silu: (_tensor, inputs, e) => e.node("QuickGelu", inputs, { alpha: { float: 1 } }, CONTRIB),
  gelu: simple("Gelu"),
  quickGelu: (_tensor, inputs, e) => e.node("QuickGelu", inputs, { alpha: { float: 1.702 } }, CONTRIB),
  softmax: (_tensor, inputs, e) => e.node("Softmax", inputs, { axis: -1 }),

  standardise: (tensor, [x], e) => moments(tensor, x!, e)[0],
  inverseDeviation: (tensor, [x], e) => moments(tensor, x!, e)[2],

  layerNorm: ({ attributes: { epsilon } }, inputs, e) =>
    e.node("LayerNormalization", inputs, { axis: -1, epsilon: { float: epsilon } }),

  groupNorm({ attributes: { groups, epsilon }, shape }, [x, scale, shift], e) {
    const channels = shape[1];
    if (typeof channels !== "number") throw internalError("groupNorm passed its shape rule without known channels");
    const grouped = e.node("Reshape", [x!, e.ints([0, groups, -1])]);
    const ones = e.floats(new Array<number>(groups).fill(1));
    const zeros = e.floats(new Array<number>(groups).fill(0));
    const normal = e.node("InstanceNormalization", [grouped, ones, zeros], { epsilon: { float: epsilon } });
    const back = e.node("Reshape", [normal, e.shapeVector(shape, true)]);
    const byChannel = e.ints([channels, ...shape.slice(2).map(() => 1)]);
    const scaled = e.node("Mul", [back, e.node("Reshape", [scale!, byChannel])]);
    return e.node("Add", [scaled, e.node("Reshape", [shift!, byChannel])]);
  },

  attention: ({ attributes: { heads, causal } }, inputs, e) =>
    e.node("MultiHeadAttention", inputs, { num_heads: heads, unidirectional: causal ? 1 : 0 }, CONTRIB),
};

type OfMoments = { readonly inputs: readonly Tensor[]; readonly attributes: OpAttributes["standardise"] };

/** The one kernel that tells what it divided by: names of the standardised, the mean, the inverse deviation. */
function moments({ inputs, attributes: { epsilon } }: OfMoments, x: string, e: Emitter): [string, string, string] {
  const length = inputs[0]!.shape.at(-1)!;
  const ones = e.node("Expand", [e.floats([1]), e.dim(length)]);
  const attributes = { axis: -1, epsilon: { float: epsilon } };
  return e.sharedNode(`moments ${x} ${epsilon}`, "LayerNormalization", [x, ones], 3, attributes) as [
    string,
    string,
    string,
  ];
}
