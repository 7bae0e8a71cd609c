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
  const { float32, matrices, stored } = weightBytes(graph, weights);
  const running = ARENA * activationBytes(graph, sizes);
  if (chooseResidency(float32, memory) === "folded") return { opening: OPENING * float32, open: float32 + running };
  const kernels = float32 - matrices;
  return { opening: OPENING * kernels, open: kernels + stored + running };
}
