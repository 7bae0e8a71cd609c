/** @file A graph: named outputs, and all that they are computed from, in an order in which inputs come first. */

import { IllustriousError } from "../base/error.ts";
import { shapeKey } from "./dim.ts";
import type { Tensor, TensorOf } from "./tensor.ts";

export type Graph = {
  readonly outputs: ReadonlyMap<string, Tensor>;
  /** Every tensor once, each after its inputs. */
  readonly tensors: readonly Tensor[];
  readonly inputs: readonly TensorOf<"input">[];
  readonly weights: readonly TensorOf<"weight">[];
};

export function graphOf(outputs: Readonly<Record<string, Tensor>>): Graph {
  const tensors = inOrder(Object.values(outputs));
  const inputs = tensors.filter((t) => t.op === "input");
  const weights = tensors.filter((t) => t.op === "weight");
  oneShapeAName("input", inputs);
  oneShapeAName("weight", weights);
  return { outputs: new Map(Object.entries(outputs)), tensors, inputs, weights: distinctByName(weights) };
}

/** Depth first with an explicit stack: a network is deeper than the call stack should be. */
function inOrder(roots: readonly Tensor[]): Tensor[] {
  const done = new Set<Tensor>();
  const stack: { tensor: Tensor; expanded: boolean }[] = [...roots]
    .reverse()
    .map((tensor) => ({ tensor, expanded: false }));
  while (stack.length > 0) {
    const top = stack.pop()!;
    if (done.has(top.tensor)) continue;
    if (top.expanded) {
      done.add(top.tensor);
      continue;
    }
    stack.push({ tensor: top.tensor, expanded: true });
    for (let i = top.tensor.inputs.length - 1; i >= 0; i--)
      stack.push({ tensor: top.tensor.inputs[i]!, expanded: false });
  }
  return [...done];
}

type Named = TensorOf<"input"> | TensorOf<"weight">;

function distinctByName<T extends Named>(tensors: readonly T[]): T[] {
  return [...new Map(tensors.map((t) => [t.attributes.name, t])).values()];
}

function oneShapeAName(what: string, tensors: readonly Named[]): void {
  const seen = new Map<string, Named>();
  for (const tensor of tensors) {
    const { name } = tensor.attributes;
    const before = seen.get(name);
    // Two tensors for one input would each need feeding; two for one weight are the same bytes.
    const clash = before && (what === "input" || shapeKey(before.shape) !== shapeKey(tensor.shape));
    if (clash) {
      const shapes = `${shapeKey(before.shape)} and ${shapeKey(tensor.shape)}`;
      throw new IllustriousError("bad_graph", `two ${what}s are named ${name}: ${shapes}`);
    }
    seen.set(name, tensor);
  }
}
