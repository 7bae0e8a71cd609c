/** @file The same graph with some of its tensors replaced: weights by inputs that training feeds, layers by sums with a LoRA. */

import { IllustriousError } from "../base/error.ts";
import { sameShape, shapeKey } from "./dim.ts";
import { graphOf } from "./graph.ts";
import { makeTensor } from "./ops.ts";
import type { Tensor } from "./tensor.ts";

/**
 * `replace` gives a tensor to stand for one of the graph's, of the same shape, or nothing to keep it; it is asked once for
 * all tensors of one weight. What a replacement is made of is taken as it is: to build on the tensor itself, build on
 * `kept`, which is it with its inputs replaced already. Throws `bad_shape`.
 */
export function substitute(
  outputs: Readonly<Record<string, Tensor>>,
  replace: (tensor: Tensor, kept: Tensor) => Tensor | undefined,
): Record<string, Tensor> {
  const found = new Map<Tensor | string, Tensor>();
  const keyOf = (tensor: Tensor) => (tensor.op === "weight" ? tensor.attributes.name : tensor);
  for (const tensor of graphOf(outputs).tensors) {
    if (found.has(keyOf(tensor))) continue;
    const inputs = tensor.inputs.map((input) => found.get(keyOf(input))!);
    const same = inputs.every((input, i) => input === tensor.inputs[i]);
    const kept = same ? tensor : makeTensor(tensor.op as never, inputs, tensor.attributes as never);
    const replacement = replace(tensor, kept);
    if (replacement && !sameShape(replacement.shape, tensor.shape)) {
      const shapes = `${shapeKey(tensor.shape)} by ${shapeKey(replacement.shape)}`;
      throw new IllustriousError("bad_shape", `${tensor.op} replaced: ${shapes}`);
    }
    found.set(keyOf(tensor), replacement ?? kept);
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, found.get(keyOf(tensor))!]));
}
