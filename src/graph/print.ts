/** @file A graph as text that people read and tests compare: one line a tensor, in the order of computation. */

import { dimKey, shapeKey } from "./dim.ts";
import type { Graph } from "./graph.ts";
import type { Tensor } from "./tensor.ts";

export function printGraph(graph: Graph): string {
  const names = new Map<Tensor, string>();
  const lines: string[] = [];
  for (const tensor of graph.tensors) {
    const name = `%${names.size}`;
    names.set(tensor, name);
    const inputs = tensor.inputs.map((t) => names.get(t));
    lines.push(`${name} = ${tensor.op}(${[...inputs, ...attributesOf(tensor)].join(", ")}) : ${typeOf(tensor)}`);
  }
  for (const [name, tensor] of graph.outputs) lines.push(`return ${name} = ${names.get(tensor)}`);
  return lines.join("\n");
}

const typeOf = ({ dtype, shape }: Tensor): string => `${dtype}${shapeKey(shape)}`;

function attributesOf(tensor: Tensor): string[] {
  return Object.entries(tensor.attributes)
    .filter(([key]) => !(tensor.op === "reshape" && key === "shape"))
    .map(([key, value]) => (key === "name" ? String(value) : `${key}=${printed(value)}`));
}

function printed(value: unknown): string {
  if (Array.isArray(value)) {
    const shown = value.slice(0, 6).map(printed).join(" ");
    return value.length > 6 ? `[${shown} … ${value.length}]` : `[${shown}]`;
  }
  if (typeof value === "object" && value !== null && "key" in value) return dimKey(value as never);
  return String(value);
}
