/** @file A graph as an ONNX model whose weights stay where they are, in the user's files. */

import type { OnnxModel, OnnxValue } from "../../formats/onnx/write.ts";
import { dimKey } from "../../graph/dim.ts";
import type { Graph } from "../../graph/graph.ts";
import type { OpName, Tensor, TensorOf } from "../../graph/tensor.ts";
import type { Weights } from "../weights.ts";
import { createEmitter } from "./emitter.ts";
import { CONTRIB, type EmissionRule, emissionRules } from "./rules.ts";

/** `folder` holds every weight file; locations in the model are relative to it. */
export function emitOnnx(graph: Graph, weights: Weights, folder: string): OnnxModel {
  const e = createEmitter(graph, weights, folder);
  const names = new Map<Tensor, string>();
  for (const tensor of graph.tensors) {
    const rule = emissionRules[tensor.op] as EmissionRule<OpName>;
    const inputs = tensor.inputs.map((t) => names.get(t)!);
    names.set(tensor, rule(tensor as TensorOf<OpName>, inputs, e));
  }
  const outputs: OnnxValue[] = [];
  const identities = [];
  for (const [name, tensor] of graph.outputs) {
    outputs.push(valueInfo(name, tensor));
    identities.push({ op: "Identity", inputs: [names.get(tensor)!], outputs: [name], attributes: {} });
  }
  // A gather leaves the float32 form of its table unused; nothing that no output needs is written.
  const used = reachable([...e.nodes, ...identities], outputs);
  return {
    inputs: graph.inputs.map((tensor) => valueInfo(tensor.attributes.name, tensor)),
    outputs,
    initializers: [...e.initializers.values()].filter(({ name }) => used.has(name)),
    nodes: [...e.nodes, ...identities].filter((node) => node.outputs.some((name) => used.has(name))),
    opsets: { "": 21, [CONTRIB]: 1 },
  };
}

function valueInfo(name: string, { dtype, shape }: Tensor): OnnxValue {
  return { name, type: dtype, shape: shape.map((dim) => (typeof dim === "number" ? dim : dimKey(dim))) };
}

function reachable(nodes: OnnxModel["nodes"], outputs: readonly OnnxValue[]): Set<string> {
  const used = new Set(outputs.map(({ name }) => name));
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    if (node.outputs.some((name) => used.has(name))) for (const name of node.inputs) used.add(name);
  }
  return used;
}
