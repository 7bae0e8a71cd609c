/** @file The reference runtime: one tensor after the other, in float64. For tests and for tiny networks. */

import { IllustriousError } from "../../base/error.ts";
import { type Composite, decompositions } from "../../graph/decompose.ts";
import { elementsOf, evaluateDim, evaluateShape, type Sizes } from "../../graph/dim.ts";
import type { Graph } from "../../graph/graph.ts";
import type { OpName, Tensor } from "../../graph/tensor.ts";
import { weightBytes } from "../memory.ts";
import { readWeight } from "../read-weight.ts";
import type { Footprint, Runtime, Session, Value, Values } from "../runtime.ts";
import { sizesOf } from "../sizes.ts";
import type { Weights } from "../weights.ts";
import type { NdArray } from "./array.ts";
import { type ReferenceRule, referenceRules } from "./rules.ts";

export function referenceRuntime(): Runtime {
  return { name: "float64 reference interpreter", open, footprint };
}

/** Every tensor of a run is kept until its end, in float64. */
function footprint(graph: Graph, weights: Weights, sizes: Sizes): Footprint {
  const all = graph.tensors.reduce((sum, { shape }) => sum + evaluateDim(elementsOf(shape), sizes), 0);
  const opening = 2 * weightBytes(graph, weights).float32;
  return { opening, open: Math.max(opening, 8 * all), resting: opening };
}

async function open(graph: Graph, weights: Weights): Promise<Session> {
  const loaded = new Map<string, NdArray>();
  for (const { attributes, shape } of graph.weights) {
    const source = weights.get(attributes.name);
    if (!source) throw new IllustriousError("missing_weight", `the checkpoint has no ${attributes.name}`);
    const values = await readWeight({ ...source, shape: shape as readonly number[] });
    loaded.set(attributes.name, { data: Float64Array.from(values), shape: shape as readonly number[] });
  }
  return {
    run: async (feeds, outputs) => run(graph, loaded, feeds, outputs ?? [...graph.outputs.keys()]),
    release: async () => loaded.clear(),
  };
}

function run(graph: Graph, weights: ReadonlyMap<string, NdArray>, feeds: Values, outputs: readonly string[]) {
  const sizes = sizesOf(graph, feeds);
  const values = new Map<Tensor, NdArray>();
  const compute = (tensor: Tensor): NdArray => valueOfTensor(tensor, values, weights, feeds, sizes);
  for (const tensor of graph.tensors) values.set(tensor, compute(tensor));
  return Object.fromEntries(
    outputs.map((name): [string, Value] => {
      const tensor = graph.outputs.get(name);
      if (!tensor) throw new IllustriousError("bad_graph", `the graph has no output ${name}`);
      return [name, values.get(tensor)!];
    }),
  );
}

function valueOfTensor(
  tensor: Tensor,
  values: Map<Tensor, NdArray>,
  weights: ReadonlyMap<string, NdArray>,
  feeds: Values,
  sizes: Sizes,
): NdArray {
  const known = values.get(tensor);
  if (known) return known;
  if (tensor.op === "weight") return weights.get(tensor.attributes.name)!;
  if (tensor.op === "input") {
    const { data, shape } = feeds[tensor.attributes.name]!;
    return { data: Float64Array.from(data as ArrayLike<number | bigint>, Number), shape };
  }
  if (tensor.op in decompositions) {
    const decompose = decompositions[tensor.op as Composite] as (t: Tensor) => Tensor;
    // What a decomposition makes is computed on the spot and kept only as long as this op needs it.
    const local = new Map(values);
    const visit = (t: Tensor): NdArray => {
      const found = local.get(t);
      if (found) return found;
      for (const input of t.inputs) visit(input);
      const value = valueOfTensor(t, local, weights, feeds, sizes);
      local.set(t, value);
      return value;
    };
    return visit(decompose(tensor));
  }
  const rule = referenceRules[tensor.op as keyof typeof referenceRules] as ReferenceRule<OpName>;
  const inputs = tensor.inputs.map((t) => values.get(t)!);
  return rule(inputs, tensor.attributes as never, { shape: evaluateShape(tensor.shape, sizes), sizes });
}
