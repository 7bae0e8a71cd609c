/**
 * @file What the emission rules write into: nodes, constants, and sizes known only at run time, each computed once.
 */

import { dirname, relative, sep } from "node:path";
import { IllustriousError, internalError } from "../../base/error.ts";
import type { ElementType, OnnxAttribute, OnnxInitializer, OnnxNode } from "../../formats/onnx/write.ts";
import {
  type Dim,
  dimKey,
  type Expression,
  elementsOf,
  evaluateDim,
  isName,
  type Shape,
  shapeKey,
} from "../../graph/dim.ts";
import type { Graph } from "../../graph/graph.ts";
import type { Tensor, TensorOf } from "../../graph/tensor.ts";
import type { WeightSource, Weights } from "../weights.ts";

const typeInFile = { F32: "f32", F16: "f16", BF16: "bf16" } as const;

export type Attributes = Readonly<Record<string, OnnxAttribute>>;

export type Emitter = {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, OnnxInitializer>;
  /** Writes a node; returns the name of its output. */
  node(op: string, inputs: readonly string[], attributes?: Attributes, domain?: string): string;
  /** Writes a node of several outputs, or finds the one written before under this key; returns the outputs' names. */
  sharedNode(key: string, op: string, inputs: readonly string[], outputs: number, attributes: Attributes): string[];
  floats(values: readonly number[], shape?: readonly number[]): string;
  ints(values: readonly number[], shape?: readonly number[]): string;
  /** A size as an i64 tensor [1]. */
  dim(of: Dim): string;
  /** A shape as an i64 vector. With `infer`, a single unknown size is left to the op that reads it. */
  shapeVector(shape: Shape, infer: boolean): string;
  source(weight: TensorOf<"weight">): WeightSource;
  /** The weight as its file has it, without a cast. */
  rawWeight(weight: TensorOf<"weight">): string;
  /** The weight as float32, in the graph's own layout. */
  weight(weight: TensorOf<"weight">): string;
  /** The size of blocks of channels for this kernel [o, c, …], if it changes from run to run and they divide its channels. */
  blockOf(kernel: Tensor): number | undefined;
};

export function createEmitter(graph: Graph, weights: Weights, folder: string, block?: number): Emitter {
  const nodes: OnnxNode[] = [];
  const initializers = new Map<string, OnnxInitializer>();
  const once = new Map<string, string>();
  let count = 0;

  /** Remembers what `make` returned for `key`. */
  function shared(key: string, make: () => string): string {
    const before = once.get(key);
    if (before !== undefined) return before;
    const name = make();
    once.set(key, name);
    return name;
  }

  function node(op: string, inputs: readonly string[], attributes: Attributes = {}, domain?: string): string {
    const output = `${op}_${count++}`;
    nodes.push({ op, inputs, outputs: [output], attributes, ...(domain ? { domain } : {}) });
    return output;
  }

  function sharedNode(
    key: string,
    op: string,
    inputs: readonly string[],
    outputs: number,
    attributes: Attributes,
  ): string[] {
    const first = shared(key, () => {
      const name = `${op}_${count++}`;
      nodes.push({ op, inputs, outputs: outputNames(name, outputs), attributes });
      return name;
    });
    return outputNames(first, outputs);
  }

  function initializer(type: ElementType, shape: readonly number[], data: Uint8Array): string {
    const key = `${type}[${shape}]${Buffer.from(data).toString("base64")}`;
    return shared(key, () => {
      const name = `constant_${initializers.size}`;
      initializers.set(name, { name, type, shape, data });
      return name;
    });
  }

  function floats(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return initializer("f32", shape, new Uint8Array(Float32Array.from(values).buffer));
  }

  function ints(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return initializer("i64", shape, new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
  }

  function dim(of: Dim): string {
    if (typeof of === "number") return ints([of]);
    return shared(`dim ${of.key}`, () => (isName(of) ? axisNamed(of.key) : arithmetic(of)));
  }

  function axisNamed(name: string): string {
    for (const { attributes, shape } of graph.inputs) {
      const axis = shape.findIndex((d) => dimKey(d) === name);
      if (axis >= 0) return node("Shape", [attributes.name], { start: axis, end: axis + 1 });
    }
    throw internalError(`size ${name} is no axis of any input`);
  }

  function arithmetic(of: Expression): string {
    const terms = of.terms.map(({ coefficient, atoms }) => {
      const factors = atoms.map((atom) =>
        atom.kind === "size"
          ? dim({ key: atom.key, terms: [{ coefficient: 1, atoms: [atom] }] })
          : node("Div", [dim(atom.of), ints([atom.by])]),
      );
      if (coefficient !== 1 || factors.length === 0) factors.push(ints([coefficient]));
      return factors.reduce((a, b) => node("Mul", [a, b]));
    });
    return terms.reduce((a, b) => node("Add", [a, b]));
  }

  function shapeVector(shape: Shape, infer: boolean): string {
    const unknown = shape.filter((d) => typeof d !== "number").length;
    if (unknown === 0 || (infer && unknown === 1)) return ints(shape.map((d) => (typeof d === "number" ? d : -1)));
    const key = `shape ${shape.map(dimKey)}`;
    return shared(key, () => node("Concat", shape.map(dim), { axis: 0 }));
  }

  function source({ attributes: { name }, shape }: TensorOf<"weight">): WeightSource {
    const found = weights.get(name);
    if (!found) throw new IllustriousError("missing_weight", `the checkpoint has no ${name}`);
    const inFile = found.shape.reduce((product, n) => product * n, 1);
    if (inFile === evaluateDim(elementsOf(shape), new Map())) return found;
    const both = `${shapeKey(found.shape)} in the file, ${shapeKey(shape)} in the network`;
    throw new IllustriousError("bad_shape", `${name} is ${both}`, "The configuration is another model's.");
  }

  function rawWeight(weight: TensorOf<"weight">): string {
    const { path, offset, length, dtype, transposed } = source(weight);
    const shape = weight.shape as readonly number[];
    const name = initializerName(weight);
    if (!initializers.has(name)) {
      // ONNX wants the location relative to the one folder the session is given, with forward slashes.
      const location = relative(folder, path).split(sep).join("/");
      initializers.set(name, {
        name,
        type: typeInFile[dtype],
        shape: transposed ? shape.toReversed() : shape,
        data: { location, offset, length },
      });
    }
    return name;
  }

  function float32Weight(weight: TensorOf<"weight">): string {
    return shared(`weight ${weight.attributes.name}`, () => {
      const { dtype, transposed } = source(weight);
      const raw = rawWeight(weight);
      const wide = dtype === "F32" ? raw : node("Cast", [raw], { to: 1 });
      return transposed ? node("Transpose", [wide], { perm: [1, 0] }) : wide;
    });
  }

  const changing = block === undefined ? new Set<Tensor>() : changingTensors(graph);

  function blockOf(kernel: Tensor): number | undefined {
    const divides = (channels: Dim | undefined) => typeof channels === "number" && channels % block! === 0;
    return changing.has(kernel) && divides(kernel.shape[0]) && divides(kernel.shape[1]) ? block : undefined;
  }

  return {
    node,
    sharedNode,
    floats,
    ints,
    dim,
    shapeVector,
    source,
    rawWeight,
    weight: float32Weight,
    blockOf,
    nodes,
    initializers,
  };
}

function outputNames(first: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => (i === 0 ? first : `${first}:${i}`));
}

/** What depends on an input; the rest is constant. */
export function changingTensors(graph: Graph): Set<Tensor> {
  const changing = new Set<Tensor>();
  for (const tensor of graph.tensors) {
    if (tensor.op === "input" || tensor.inputs.some((input) => changing.has(input))) changing.add(tensor);
  }
  return changing;
}

export function initializerName({ attributes }: TensorOf<"weight">): string {
  return `weight ${attributes.name}`;
}

/** The deepest folder that holds all of `paths`. */
export function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0] ?? ".");
  while (!paths.every((path) => path.startsWith(folder.endsWith(sep) ? folder : folder + sep))) {
    const above = dirname(folder);
    if (above === folder) break;
    folder = above;
  }
  return folder;
}
