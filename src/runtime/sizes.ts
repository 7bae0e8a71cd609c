/** @file Reads the named sizes of a run from the shapes of what is fed, and refuses what does not fit the graph. */

import { IllustriousError } from "../base/error.ts";
import { dimKey, evaluateDim, shapeKey } from "../graph/dim.ts";
import type { Graph } from "../graph/graph.ts";
import { isName } from "../graph/verify.ts";
import type { Values } from "./runtime.ts";

export function sizesOf(graph: Graph, feeds: Values): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { attributes, shape } of graph.inputs) {
    const value = feeds[attributes.name];
    if (!value) throw new IllustriousError("bad_shape", `input ${attributes.name} ${shapeKey(shape)} is not fed`);
    const given = `[${value.shape.join(", ")}]`;
    const misfit = () =>
      new IllustriousError("bad_shape", `input ${attributes.name} is ${given}, needs ${shapeKey(shape)}`);
    if (value.shape.length !== shape.length) throw misfit();
    if (value.data.length !== value.shape.reduce((a, b) => a * b, 1)) throw misfit();
    shape.forEach((dim, i) => {
      const length = value.shape[i]!;
      if (isName(dim) && !sizes.has(dimKey(dim))) sizes.set(dimKey(dim), length);
      if (evaluateDim(dim, sizes) !== length) throw misfit();
    });
  }
  return sizes;
}
