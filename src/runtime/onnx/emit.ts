/** @file A graph as an ONNX model whose weights stay where they are, in the user's files. */

import type { OnnxModel, OnnxValue } from "../../formats/onnx/write.ts";
import { dimKey } from "../../graph/dim.ts";
import type { Graph } from "../../graph/graph.ts";
import type { OpName, Tensor, TensorOf } from "../../graph/tensor.ts";
import type { Weights } from "../weights.ts";
import { BLOCKED } from "./blocked-convolution.ts";
import { createEmitter, initializerName } from "./emitter.ts";
import type { Residency } from "./residency.ts";
import { CONTRIB, type EmissionRule, emissionRules } from "./rules.ts";

/**
 * `folder` holds every weight file; locations in the model are relative to it. `block` is the processor's size of blocks of
 * channels, if known.
 */
export function emitOnnx(
  graph: Graph,
  weights: Weights,
  folder: string,
  residency: Residency,
  block?: number,
): OnnxModel {
  const e = createEmitter(graph, weights, folder, block);
  const names = new Map<Tensor, string>();
  // Of two inputs, ONNX Runtime computes first the one whose node was written later. Weights written first are therefore
  // widened when their layer's turn comes; written beside their layers, all would be widened before the first layer runs.
  for (const tensor of [...graph.weights, ...graph.tensors]) {
    if (names.has(tensor)) continue;
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
  const initializers = [...e.initializers.values()].filter(({ name }) => used.has(name));
  const mapped = residency === "mapped" ? matricesOf(graph) : new Set<string>();
  return {
    // An initializer that could also be fed is no constant: ONNX Runtime then leaves it in its file.
    inputs: [
      ...graph.inputs.map((tensor) => valueInfo(tensor.attributes.name, tensor)),
      ...initializers.filter(({ name }) => mapped.has(name)),
    ],
    outputs,
    values: valuesBetween(names, used),
    initializers,
    nodes: [...e.nodes, ...identities].filter((node) => node.outputs.some((name) => used.has(name))),
    opsets: { "": 21, [CONTRIB]: 1, ...(block ? { [BLOCKED]: 1 } : {}) },
  };
}

/** The initializers of all matrices that are multiplied with: nearly all bytes of a transformer. */
function matricesOf(graph: Graph): Set<string> {
  const names = new Set<string>();
  for (const { op, inputs } of graph.tensors) {
    if (op !== "linear" && op !== "matmul") continue;
    for (const input of inputs)
      if (input.op === "weight" && input.shape.length === 2) names.add(initializerName(input));
  }
  return names;
}

/**
 * Shapes with our names for sizes, of which ONNX Runtime infers few. Its planner reuses a buffer only for a tensor that it
 * knows to be as large, and else searches all free buffers in vain: opening a network's gradient of 10,000 nodes takes
 * a tenth of the time with these.
 */
function valuesBetween(names: ReadonlyMap<Tensor, string>, used: ReadonlySet<string>): OnnxValue[] {
  const values = new Map<string, OnnxValue>();
  for (const [tensor, name] of names) {
    // A leaf's type stands with it; an op that passes its input on has that one's.
    const passed = tensor.inputs.some((input) => names.get(input) === name);
    if (tensor.inputs.length > 0 && !passed && used.has(name)) values.set(name, valueInfo(name, tensor));
  }
  return [...values.values()];
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
