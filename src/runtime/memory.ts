/**
 * @file How much memory a run of a graph needs at given sizes, before anything is loaded.
 *
 * Intermediate tensors are counted as they live: from when they are computed until their last reader is done, in the
 * graph's order. Kernels need little beside their inputs and outputs: convolutions run blocked, without a copy of the
 * input for every tap, and attention never holds all its scores.
 */

import { evaluateShape, type Shape, type Sizes } from "../graph/dim.ts";
import type { Graph } from "../graph/graph.ts";
import type { OpName, Tensor } from "../graph/tensor.ts";
import type { Weights } from "./weights.ts";

const FLOAT_BYTES = 4;

/** Most bytes of intermediate tensors alive at once. */
export function activationBytes(graph: Graph, sizes: Sizes): number {
  const readers = new Map<Tensor, number>();
  for (const tensor of graph.tensors) {
    for (const input of tensor.inputs) readers.set(input, (readers.get(input) ?? 0) + 1);
  }
  for (const output of graph.outputs.values()) readers.set(output, (readers.get(output) ?? 0) + 1);
  let alive = 0;
  let most = 0;
  for (const tensor of graph.tensors) {
    if (isStored(tensor)) continue;
    alive += ownBytes(tensor, sizes);
    most = Math.max(most, alive);
    for (const input of tensor.inputs) {
      const left = readers.get(input)! - 1;
      readers.set(input, left);
      if (left === 0 && !isStored(input)) alive -= ownBytes(input, sizes);
    }
  }
  return most;
}

export type WeightBytes = {
  /** All weights as float32. */
  readonly float32: number;
  /** Those of them that are matrices of linear layers. */
  readonly matrices: number;
  /** The same matrices as their files have them. */
  readonly stored: number;
  /** Of matrices and of convolution kernels, those that gradients read again in another order; as float32. */
  readonly again: { readonly matrices: number; readonly kernels: number };
};

export function weightBytes(graph: Graph, weights: Weights): WeightBytes {
  const inLinear = readBy(graph, "linear", (inputs) => [inputs[1]!]);
  const inMatmul = readBy(graph, "matmul", (inputs) => inputs);
  const transposed = readBy(graph, "convTranspose2d", (inputs) => [inputs[1]!]);
  let [float32, matrices, stored] = [0, 0, 0];
  const again = { matrices: 0, kernels: 0 };
  for (const tensor of graph.weights) {
    const bytes = FLOAT_BYTES * count(tensor.shape, new Map());
    float32 += bytes;
    if (transposed.has(tensor.attributes.name)) again.kernels += bytes;
    const ways = [inLinear, inMatmul].filter((read) => tensor.shape.length === 2 && read.has(tensor.attributes.name));
    if (ways.length === 0) continue;
    if (ways.length === 2) again.matrices += bytes;
    matrices += bytes;
    stored += weights.get(tensor.attributes.name)?.length ?? 0;
  }
  return { float32, matrices, stored, again };
}

/** Names of weights that an op reads in one of its places. */
function readBy(graph: Graph, op: OpName, places: (inputs: readonly Tensor[]) => readonly Tensor[]): Set<string> {
  const read = graph.tensors.flatMap((tensor) => (tensor.op === op ? places(tensor.inputs) : []));
  return new Set(read.flatMap((tensor) => (tensor.op === "weight" ? [tensor.attributes.name] : [])));
}

function isStored(tensor: Tensor): boolean {
  return tensor.op === "weight" || tensor.op === "constant";
}

function count(shape: Shape, sizes: Sizes): number {
  return evaluateShape(shape, sizes).reduce((product, n) => product * n, 1);
}

/** A reshape is another view of the same bytes. */
function ownBytes(tensor: Tensor, sizes: Sizes): number {
  return tensor.op === "reshape" ? 0 : FLOAT_BYTES * count(tensor.shape, sizes);
}
