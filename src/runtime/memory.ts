/**
 * @file How much memory a run of a graph needs at given sizes, before anything is loaded.
 *
 * Intermediate tensors are counted as they live: from when they are computed until their last reader is done, in the
 * graph's order. A composite op's own workspace is counted by its row below.
 */

import { type Dim, evaluateShape, type Shape, type Sizes } from "../graph/dim.ts";
import type { Graph } from "../graph/graph.ts";
import type { Tensor } from "../graph/tensor.ts";
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
    most = Math.max(most, alive + workspaceBytes(tensor, sizes));
    for (const input of tensor.inputs) {
      const left = readers.get(input)! - 1;
      readers.set(input, left);
      if (left === 0 && !isStored(input)) alive -= ownBytes(input, sizes);
    }
  }
  return most;
}

/** Bytes of the weights that a graph uses, as float32 and as their files have them. */
export function weightBytes(graph: Graph, weights: Weights): { float32: number; stored: number } {
  let float32 = 0;
  let stored = 0;
  for (const { attributes, shape } of graph.weights) {
    float32 += FLOAT_BYTES * count(shape, new Map());
    stored += weights.get(attributes.name)?.length ?? 0;
  }
  return { float32, stored };
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

/** What a kernel needs beside its inputs and its output. */
function workspaceBytes(tensor: Tensor, sizes: Sizes): number {
  if (tensor.op === "conv2d") {
    const [, , kh, kw] = tensor.inputs[1]!.shape as [Dim, Dim, number, number];
    const [, channels, h, w] = evaluateShape(tensor.inputs[0]!.shape, sizes) as [number, number, number, number];
    // im2col of one picture; a 1x1 kernel needs none.
    return kh * kw === 1 ? 0 : FLOAT_BYTES * channels * kh * kw * h * w;
  }
  return 0;
}
