/** @file What a session of ONNX Runtime will take of memory. Factors are measured (bench/README.md). */

import type { Sizes } from "../../graph/dim.ts";
import type { Graph } from "../../graph/graph.ts";
import { activationBytes, weightBytes } from "../memory.ts";
import type { Footprint } from "../runtime.ts";
import type { Weights } from "../weights.ts";
import { chooseResidency } from "./residency.ts";

/** While opening, the largest matrices are there in both orders, and the file's pages in passing. */
const OPENING = 1.2;

/** The arena grows by doubling, and each blocked convolution's result is there in both layouts for a moment. */
const ARENA = 2.8;

/** `memory` is what the session may take: it decides where matrices live. */
export function footprintOf(graph: Graph, weights: Weights, sizes: Sizes, memory: number): Footprint {
  const { float32, matrices, stored, again } = weightBytes(graph, weights);
  const running = ARENA * activationBytes(graph, sizes);
  const folded = float32 + again.matrices + again.kernels;
  if (chooseResidency(folded, memory) === "folded") {
    return { opening: OPENING * folded, open: folded + running, resting: folded };
  }
  const kernels = float32 - matrices + again.kernels;
  // What the way back reads too stays wide from the way there.
  return { opening: OPENING * kernels, open: kernels + stored + again.matrices + running, resting: kernels };
}
