/** @file The sum of what all uses of a tensor contribute to its gradient. */

import { addDims, type Dim, sameDim } from "../graph/dim.ts";
import * as g from "../graph/ops.ts";
import type { Tensor, TensorOf } from "../graph/tensor.ts";

export function total(parts: readonly Tensor[]): Tensor {
  return (parts.length > 1 && joined(parts)) || parts.reduce((sum, part) => g.add(sum, part));
}

/** Slices that together are the whole give zero-padded pieces, whose sum is the pieces side by side. */
function joined(parts: readonly Tensor[]): Tensor | undefined {
  const pads = parts.filter((part): part is TensorOf<"pad"> => part.op === "pad");
  const axis = pads[0]?.attributes.before.findIndex((_, i) => paddedOnly(pads[0]!, i)) ?? -1;
  if (axis < 0 || pads.length < parts.length || !pads.every((pad) => paddedOnly(pad, axis))) return undefined;
  const pieces: Tensor[] = [];
  let end: Dim = 0;
  for (const _ of pads) {
    const next = pads.find(({ attributes }) => sameDim(attributes.before[axis]!, end));
    if (!next) return undefined;
    pieces.push(next.inputs[0]!);
    end = addDims(end, next.inputs[0]!.shape[axis]!);
  }
  return sameDim(end, pads[0]!.shape[axis]!) ? g.concat(pieces, axis) : undefined;
}

/** Whether no other axis is padded. */
function paddedOnly({ attributes: { before, after } }: TensorOf<"pad">, axis: number): boolean {
  return [before, after].every((amounts) => amounts.every((amount, i) => i === axis || amount === 0));
}
