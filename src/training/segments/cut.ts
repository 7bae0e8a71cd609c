/**
 * @file A graph cut into pieces that are computed one after another, each from the inputs and from what earlier pieces gave.
 * Where to cut is said by tensors: each is the end of a piece. What lies between is computed as late as it can be, so that a
 * piece has all that only it needs (the text's keys and values of its own layers) and little passes from piece to piece.
 */

import { graphOf } from "../../graph/graph.ts";
import * as g from "../../graph/ops.ts";
import type { Tensor, TensorOf } from "../../graph/tensor.ts";

export type Piece = {
  /** What the whole graph gives and what later pieces read, by name; computed from leaves and from inputs of `reads`. */
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Earlier pieces' outputs that it takes as inputs of these names: the tensors of the whole graph that they stand for. */
  readonly reads: ReadonlyMap<string, Tensor>;
};

/**
 * The pieces in order, none empty. Any choice of cuts in any order gives the same numbers: a cut that others need earlier
 * than its place says moves to where they need it.
 *
 * @param cuts tensors of the graph; those of other graphs are passed over
 */
export function cutGraph(outputs: Readonly<Record<string, Tensor>>, cuts: readonly Tensor[]): Piece[] {
  const { tensors } = graphOf(outputs);
  const places = placesOf(tensors, cuts);
  const pieces = Array.from({ length: cuts.length + 1 }, emptyPiece);
  const rebuilt = new Map<Tensor, Tensor>();
  const passed = new Map<Tensor, TensorOf<"input">>();

  /** The input as which later pieces read a tensor; its own piece gives it from now on. */
  function passedOn(tensor: Tensor): TensorOf<"input"> {
    const known = passed.get(tensor);
    if (known) return known;
    const input = g.input(`between ${passed.size}`, tensor.shape, tensor.dtype) as TensorOf<"input">;
    passed.set(tensor, input);
    pieces[places.get(tensor)!]!.outputs[input.attributes.name] = rebuilt.get(tensor)!;
    return input;
  }

  function seenFrom(place: number, tensor: Tensor): Tensor {
    if (isLeaf(tensor)) return tensor;
    if (places.get(tensor) === place) return rebuilt.get(tensor)!;
    const input = passedOn(tensor);
    pieces[place]!.reads.set(input.attributes.name, tensor);
    return input;
  }

  for (const tensor of tensors) {
    if (isLeaf(tensor)) continue;
    const inputs = tensor.inputs.map((input) => seenFrom(places.get(tensor)!, input));
    const same = inputs.every((input, i) => input === tensor.inputs[i]);
    rebuilt.set(tensor, same ? tensor : g.makeTensor(tensor.op as never, inputs, tensor.attributes as never));
  }
  for (const [name, tensor] of Object.entries(outputs)) {
    const place = isLeaf(tensor) ? cuts.length : places.get(tensor)!;
    pieces[place]!.outputs[name] = seenFrom(place, tensor);
  }
  return pieces.filter((piece) => Object.keys(piece.outputs).length > 0);
}

const emptyPiece = () => ({ outputs: {} as Record<string, Tensor>, reads: new Map<string, Tensor>() });

/** Leaves cost nothing to have in several pieces. */
function isLeaf({ inputs }: Tensor): boolean {
  return inputs.length === 0;
}

/** The piece of each tensor: its cut's, or where its first reader is. */
function placesOf(tensors: readonly Tensor[], cuts: readonly Tensor[]): Map<Tensor, number> {
  const places = new Map<Tensor, number>();
  const atMost = (tensor: Tensor, place: number) =>
    places.set(tensor, Math.min(place, places.get(tensor) ?? cuts.length));
  for (const [place, tensor] of cuts.entries()) atMost(tensor, place);
  for (const tensor of tensors.toReversed()) {
    const own = places.get(tensor) ?? cuts.length;
    places.set(tensor, own);
    for (const input of tensor.inputs) atMost(input, own);
  }
  return places;
}
