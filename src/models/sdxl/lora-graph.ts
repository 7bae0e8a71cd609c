/**
 * @file LoRA files beside one network: their pairs in its graph, their byte ranges among its weights. How strong each is,
 * is an input of the graph, so that one session serves every strength.
 */

import { type Graph, graphOf } from "../../graph/graph.ts";
import * as g from "../../graph/ops.ts";
import { withLora } from "../../nn/lora.ts";
import type { WeightSource, Weights } from "../../runtime/weights.ts";
import type { LoraFile } from "./lora-file.ts";
import type { LoraComponent } from "./lora-targets.ts";

/** The input [] that weighs the LoRA of this place in the list; it is missing where the file has nothing for the network. */
export const strengthInput = (index: number): string => `strength of LoRA ${index}`;

export function withLoraFiles(
  graph: Graph,
  weights: Weights,
  component: LoraComponent,
  loras: readonly LoraFile[],
): { readonly graph: Graph; readonly weights: Weights } {
  let outputs = Object.fromEntries(graph.outputs);
  const all = new Map<string, WeightSource>(weights);
  for (const [index, { parts }] of loras.entries()) {
    const { targets, weights: own } = parts[component];
    const prefix = `LoRA ${index}: `;
    outputs = withLora(outputs, targets, { prefix, strength: g.input(strengthInput(index), []) }).outputs;
    for (const [name, source] of own) all.set(prefix + name, source);
  }
  return { graph: graphOf(outputs), weights: all };
}
