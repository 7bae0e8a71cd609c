/**
 * @file A step of training as graphs that run one after another: forward through the pieces of a network, then backwards,
 * each piece computing its own inside again from what was kept at its borders. Chen et al. (2016),
 * https://arxiv.org/abs/1604.06174, with the borders on the host.
 */

import { vjp } from "../../autodiff/gradients.ts";
import { type Dim, dimKey, isName, sizesIn } from "../../graph/dim.ts";
import { type Graph, graphOf } from "../../graph/graph.ts";
import type { Tensor, TensorOf } from "../../graph/tensor.ts";
import { gradientName, type StepGraph } from "../learner/step-graph.ts";
import { cutGraph, type Piece } from "./cut.ts";

export type Segment = {
  /** Gives what later segments read. Missing where none reads anything and `backward` gives what it would have given. */
  readonly forward?: Graph;
  /**
   * Takes what `forward` takes and, by `upstreamName`, the gradients of its outputs; gives gradients by `gradientName`, of
   * inputs and of what the segment reads. Missing where nothing in the segment and before it is trained.
   */
  readonly backward?: Graph;
  /** What later segments read of it: nobody needs it any more when this segment has run backwards. */
  readonly passesOn: readonly string[];
};

export type Segmented = {
  /** Of the whole. */
  readonly inputs: readonly TensorOf<"input">[];
  /** What the whole gives beside gradients. */
  readonly outputs: ReadonlySet<string>;
  readonly segments: readonly Segment[];
};

/** The step cut where its network says; without cuts, one segment. */
export function segmented({ network: { outputs, wanted, cuts } }: StepGraph): Segmented {
  const { tensors, inputs } = graphOf(outputs);
  const leads = leadingFrom(tensors, wanted);
  const pieces = cutGraph(outputs, cuts);
  const read = new Set(pieces.flatMap(({ reads }) => [...reads.keys()]));
  // Walked from the end: a piece is pulled back from the outputs that later pieces have pulled back to.
  const pulled = new Set(["loss"]);
  const segments = pieces.toReversed().map((piece): Segment => {
    const found = gradientsOf(piece, pulled, leads, wanted);
    for (const name of Object.keys(found)) pulled.add(name);
    const passesOn = Object.keys(piece.outputs).filter((name) => read.has(name));
    const named = Object.entries(found).map(([name, gradient]) => [gradientName(name), gradient] as const);
    const graph = (all: Record<string, Tensor>) => withSizes(graphOf(all), inputs);
    if (named.length === 0) return { forward: graph(piece.outputs), passesOn };
    const gradients = Object.fromEntries(named);
    if (passesOn.length === 0) return { backward: graph({ ...piece.outputs, ...gradients }), passesOn };
    return { forward: graph(piece.outputs), backward: graph(gradients), passesOn };
  });
  return { inputs, outputs: new Set(Object.keys(outputs)), segments: segments.toReversed() };
}

/** All tensors on which something wanted has a bearing. */
function leadingFrom(tensors: readonly Tensor[], wanted: readonly Tensor[]): Set<Tensor> {
  const leads = new Set(wanted);
  for (const tensor of tensors) if (tensor.inputs.some((input) => leads.has(input))) leads.add(tensor);
  return leads;
}

/** By the names of the inputs that they are gradients of. */
function gradientsOf(
  { outputs, reads }: Piece,
  pulled: ReadonlySet<string>,
  leads: ReadonlySet<Tensor>,
  wanted: readonly Tensor[],
): Record<string, Tensor> {
  const ends = Object.entries(outputs).filter(([name]) => pulled.has(name));
  if (ends.length === 0) return {};
  const own = graphOf(Object.fromEntries(ends)).inputs;
  const asked = own.filter((input) => {
    const stands = reads.get(input.attributes.name);
    return stands ? leads.has(stands) : wanted.includes(input);
  });
  const { gradients } = vjp(new Map(ends), asked);
  return Object.fromEntries([...gradients].map(([input, d]) => [(input as TensorOf<"input">).attributes.name, d]));
}

/** With those of the whole's inputs, read or not, whose axes say how large sizes are that only inner borders mention. */
function withSizes(graph: Graph, all: readonly TensorOf<"input">[]): Graph {
  const known = new Set(graph.inputs.flatMap(namesIn));
  const more: TensorOf<"input">[] = [];
  for (const name of new Set(graph.tensors.flatMap(mentionedBy))) {
    if (known.has(name)) continue;
    const witness = all.find((input) => namesIn(input).includes(name))!;
    more.push(witness);
    for (const told of namesIn(witness)) known.add(told);
  }
  return { ...graph, inputs: [...graph.inputs, ...more] };
}

const namesIn = ({ shape }: Tensor): string[] => shape.filter(isName).map(dimKey);

function mentionedBy(tensor: Tensor): string[] {
  const dims: Dim[] = [...tensor.shape];
  if (tensor.op === "extent") dims.push(tensor.attributes.of);
  if (tensor.op === "slice") dims.push(tensor.attributes.start, tensor.attributes.end);
  if (tensor.op === "pad") dims.push(...tensor.attributes.before, ...tensor.attributes.after);
  return dims.flatMap((dim) => [...sizesIn(dim)]);
}
