/** @file Checks a graph against the rules: run after every pass in tests, so that a broken pass is found where it broke. */

import { IllustriousError } from "../base/error.ts";
import { dimKey, evaluateDim, isName, sameShape, shapeKey, sizesIn } from "./dim.ts";
import type { Graph } from "./graph.ts";
import { type Result, shapeRules } from "./shape-rules.ts";
import type { Tensor } from "./tensor.ts";

export function verifyGraph(graph: Graph): void {
  const bound = new Set<string>();
  for (const { shape } of graph.inputs) for (const dim of shape) if (isName(dim)) bound.add(dimKey(dim));
  const seen = new Set<Tensor>();
  for (const tensor of graph.tensors) {
    for (const input of tensor.inputs) if (!seen.has(input)) fail(tensor, `uses ${input.op} before it is computed`);
    for (const dim of tensor.op === "extent" ? [tensor.attributes.of] : tensor.shape) {
      for (const name of sizesIn(dim)) if (!bound.has(name)) fail(tensor, `size ${name} is no axis of any input`);
    }
    verifyTensor(tensor);
    seen.add(tensor);
  }
  for (const [name, tensor] of graph.outputs) if (!seen.has(tensor)) fail(tensor, `output ${name} is not in the graph`);
}

function verifyTensor(tensor: Tensor): void {
  if (tensor.op === "input") return;
  if (tensor.op === "weight" || tensor.op === "constant") {
    for (const dim of tensor.shape) if (typeof dim !== "number") fail(tensor, `has size ${dimKey(dim)}`);
    if (tensor.op === "weight") return;
    const count = tensor.shape.reduce<number>((product, dim) => product * evaluateDim(dim, new Map()), 1);
    if (count !== tensor.attributes.values.length) fail(tensor, `has ${tensor.attributes.values.length} values`);
    return;
  }
  const rule = shapeRules[tensor.op] as (inputs: readonly Tensor[], attributes: unknown) => Result;
  const { shape, dtype } = rule(tensor.inputs, tensor.attributes);
  if (!sameShape(shape, tensor.shape) || dtype !== tensor.dtype) {
    fail(tensor, `says ${tensor.dtype}${shapeKey(tensor.shape)}, its rule says ${dtype}${shapeKey(shape)}`);
  }
}

function fail(tensor: Tensor, why: string): never {
  throw new IllustriousError("bad_graph", `${tensor.op} ${shapeKey(tensor.shape)} ${why}`);
}
