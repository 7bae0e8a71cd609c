/** @file Reads the named sizes of a run from the shapes of what is fed, and refuses what does not fit the graph. */

import { IllustriousError } from "../base/error.ts";
import { dimKey, evaluateDim, isName, shapeKey } from "../graph/dim.ts";
import type { Graph } from "../graph/graph.ts";
import type { Values } from "./runtime.ts";

export function sizesOf(graph: Graph, feeds: Values): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { attributes, shape } of graph.inputs) {
    const value = feeds[attributes.name];
    if (!value) throw new IllustriousError("bad_shape", `input ${attributes.name} ${shapeKey(shape)} is not fed`);
    if (value.shape.length !== shape.length) throw misfit(attributes.name, value.shape, shape);
    shape.forEach((dim, i) => {
      if (isName(dim) && !sizes.has(dimKey(dim))) sizes.set(dimKey(dim), value.shape[i]!);
    });
  }
  // Only when all names are known can expressions in them be checked.
  for (const { attributes, shape } of graph.inputs) {
    const value = feeds[attributes.name]!;
    const fits = shape.every((dim, i) => evaluateDim(dim, sizes) === value.shape[i]);
    const full = value.data.length === value.shape.reduce((product, n) => product * n, 1);
    if (!fits || !full) throw misfit(attributes.name, value.shape, shape);
  }
  return sizes;
}

function misfit(name: string, given: readonly number[], needed: Graph["tensors"][number]["shape"]): IllustriousError {
  return new IllustriousError("bad_shape", `input ${name} is [${given.join(", ")}], needs ${shapeKey(needed)}`);
}
