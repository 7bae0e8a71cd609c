/**
 * @file Reverse-mode differentiation: tensors in, tensors out. The gradient of a graph is more of the same graph, to be
 * checked, printed and run like any other. Only the way from the outputs to what is wanted is walked.
 */

import { IllustriousError, internalError } from "../base/error.ts";
import { sameShape, shapeKey } from "../graph/dim.ts";
import { graphOf } from "../graph/graph.ts";
import * as g from "../graph/ops.ts";
import type { OpName, Tensor } from "../graph/tensor.ts";
import type { GradientRule, NoGradient } from "./rule.ts";
import { gradientRules } from "./rules.ts";
import { total } from "./total.ts";

/** By the tensors that were asked for. One that the outputs do not depend on has no entry. */
export type Gradients = ReadonlyMap<Tensor, Tensor>;

/**
 * The gradient of `loss`, a scalar, with respect to each of `wanted`, of its shape. Any f32 tensor can be wanted; weights
 * of one name are one parameter.
 *
 * Throws `bad_shape` for a loss that is no scalar, `unsupported` where an op on the way has no gradient.
 */
export function gradients(loss: Tensor, wanted: readonly Tensor[]): Gradients {
  if (loss.shape.length > 0) {
    const hint = "Reduce it with mean or sum, or use vjp with a gradient for every element.";
    throw new IllustriousError("bad_shape", `a loss must be a scalar, got ${shapeKey(loss.shape)}`, hint);
  }
  return pulledBack(new Map([[loss, g.scalar(1)]]), wanted);
}

export type VectorJacobian = {
  /** By the outputs' names: the inputs through which their gradients are fed. */
  readonly upstream: ReadonlyMap<string, Tensor>;
  readonly gradients: Gradients;
};

/**
 * The vector-Jacobian product: as `gradients`, for outputs of any shape whose own gradients are inputs of the graph,
 * named by `upstreamName`. So a network can be cut into sessions, each run backwards from what the next one gave.
 */
export function vjp(outputs: ReadonlyMap<string, Tensor>, wanted: readonly Tensor[]): VectorJacobian {
  const upstream = new Map([...outputs].map(([name, { shape }]) => [name, g.input(upstreamName(name), shape)]));
  const seeds = new Map<Tensor, Tensor>();
  for (const [name, output] of outputs) {
    const d = upstream.get(name)!;
    // One tensor may be an output under two names.
    seeds.set(output, seeds.has(output) ? g.add(seeds.get(output)!, d) : d);
  }
  return { upstream, gradients: pulledBack(seeds, wanted) };
}

export const upstreamName = (output: string): string => `gradient of ${output}`;

function pulledBack(seeds: ReadonlyMap<Tensor, Tensor>, wanted: readonly Tensor[]): Gradients {
  for (const tensor of wanted) if (tensor.dtype !== "f32") throw noGradient(tensor, `it is ${tensor.dtype}`);
  const { tensors } = graphOf(Object.fromEntries([...seeds.keys()].map((tensor, i) => [`${i}`, tensor])));
  const asked = new Set(wanted.map(identity));
  const leads = new Set<Tensor>();
  for (const tensor of tensors) {
    if (asked.has(identity(tensor)) || tensor.inputs.some((input) => leads.has(input))) leads.add(tensor);
  }
  const parts = new Map<Identity, Tensor[]>();
  const add = (tensor: Tensor, d: Tensor) => parts.set(identity(tensor), [...(parts.get(identity(tensor)) ?? []), d]);
  for (const [tensor, d] of seeds) add(tensor, d);

  const found = new Map<Identity, Tensor>();
  for (const tensor of tensors.toReversed()) {
    if (!leads.has(tensor)) continue;
    const d = total(parts.get(identity(tensor))!);
    found.set(identity(tensor), d);
    if (tensor.inputs.some((input) => leads.has(input))) pull(tensor, d, leads, add);
  }
  return new Map(wanted.filter((tensor) => found.has(identity(tensor))).map((t) => [t, found.get(identity(t))!]));
}

/** Two tensors of one weight stand for the same numbers; all others stand for themselves. */
type Identity = Tensor | string;
const identity = (tensor: Tensor): Identity => (tensor.op === "weight" ? tensor.attributes.name : tensor);

function pull(y: Tensor, d: Tensor, leads: ReadonlySet<Tensor>, add: (tensor: Tensor, d: Tensor) => void): void {
  const rule = gradientRules[y.op] as GradientRule<OpName> | NoGradient;
  if (typeof rule !== "function") throw noGradient(y, rule.none);
  const pulls = rule(y, d);
  y.inputs.forEach((input, i) => {
    if (!leads.has(input)) return;
    const one = pulls[i]!;
    if (typeof one !== "function") throw noGradient(y, one.none);
    const gradient = one();
    if (!sameShape(gradient.shape, input.shape)) {
      throw internalError(`${y.op}'s gradient is ${shapeKey(gradient.shape)} for input ${i} ${shapeKey(input.shape)}`);
    }
    add(input, gradient);
  });
}

function noGradient({ op, shape }: Tensor, why: string): IllustriousError {
  return new IllustriousError("unsupported", `${op} ${shapeKey(shape)} has no gradient: ${why}`);
}
