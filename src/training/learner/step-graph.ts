/**
 * @file A network's graph for a step of training: the trained weights are inputs, for they change, and beside what was
 * asked for stand their gradients. Frozen weights stay where they lie, and nothing is computed for them.
 */

import { gradients } from "../../autodiff/gradients.ts";
import { IllustriousError } from "../../base/error.ts";
import { type Graph, graphOf } from "../../graph/graph.ts";
import * as g from "../../graph/ops.ts";
import { substitute } from "../../graph/substitute.ts";
import type { Tensor, TensorOf } from "../../graph/tensor.ts";

export type StepGraph = {
  readonly graph: Graph;
  /** Shapes of the trained parameters, which the graph takes as inputs of their names. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
  /** What the graph is the gradient of, for those who make another of it (`src/training/segments/`). */
  readonly network: {
    readonly outputs: { readonly loss: Tensor } & Readonly<Record<string, Tensor>>;
    /** The inputs whose gradients are given. */
    readonly wanted: readonly Tensor[];
    /** Where it may be cut. */
    readonly cuts: readonly Tensor[];
  };
};

/** The output that is the gradient of a parameter or of an input. */
export const gradientName = (of: string): string => `d ${of}`;

/**
 * @param outputs with the scalar `loss`, and what else a step should tell
 * @param isTrained by a weight's name
 * @param inputs of the graph whose gradients are wanted too, such as looked-up rows of an embedding
 * @param cuts tensors on the way to the outputs at which the step may be cut into segments, in their order
 * @throws IllustriousError `bad_option` where the loss depends on no trained weight
 */
export function stepGraph(
  outputs: { readonly loss: Tensor } & Readonly<Record<string, Tensor>>,
  isTrained: (name: string) => boolean,
  inputs: readonly string[] = [],
  cuts: readonly Tensor[] = [],
): StepGraph {
  const parameters = new Map<string, readonly number[]>();
  const both = substitute({ ...outputs, ...numbered(cuts) }, (tensor) => {
    if (tensor.op !== "weight" || !isTrained(tensor.attributes.name)) return undefined;
    parameters.set(tensor.attributes.name, tensor.shape as readonly number[]);
    return g.input(tensor.attributes.name, tensor.shape);
  });
  const replaced = Object.fromEntries(Object.keys(outputs).map((name) => [name, both[name]!])) as typeof outputs;
  const wanted = graphOf(replaced).inputs.filter(
    ({ attributes: { name } }) => parameters.has(name) || inputs.includes(name),
  );
  const found = gradients(replaced.loss, wanted);
  if (found.size === 0) {
    const hint = "Train at least one part, and at least one of its weights.";
    throw new IllustriousError("bad_option", "the loss depends on nothing that is trained", hint);
  }
  // What the loss does not depend on (say, a last layer whose states nobody reads) is no parameter of this step.
  const names = new Set([...found.keys()].map(nameOf));
  for (const name of parameters.keys()) if (!names.has(name)) parameters.delete(name);
  const pulled = [...found].map(([input, gradient]) => [gradientName(nameOf(input)), gradient] as const);
  return {
    graph: graphOf({ ...replaced, ...Object.fromEntries(pulled) }),
    parameters,
    network: { outputs: replaced, wanted: [...found.keys()], cuts: Object.keys(numbered(cuts)).map((at) => both[at]!) },
  };
}

/** Under names of their own, to go with outputs through what is done to them. */
export function numbered(cuts: readonly Tensor[]): Record<string, Tensor> {
  return Object.fromEntries(cuts.map((tensor, i) => [`cut ${i}`, tensor]));
}

function nameOf(tensor: Tensor): string {
  return (tensor as TensorOf<"input">).attributes.name;
}
