/**
 * @file Writes an ONNX model as bytes: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (field numbers below are its).
 * Only what our graphs need. Weights are references into other files (external data), so a model is small at any size.
 */

import { BinaryWriter } from "@bufbuild/protobuf/wire";

/** TensorProto.DataType. */
export const elementTypes = { f32: 1, i64: 7, bool: 9, f16: 10, bf16: 16 } as const;

export type ElementType = keyof typeof elementTypes;

export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

export type OnnxNode = {
  readonly op: string;
  readonly domain?: string;
  /** "" leaves an optional input out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
};

/** A dim is a number or the name of a size. */
export type OnnxValue = {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
};

export type OnnxInitializer = {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: Uint8Array | { readonly location: string; readonly offset: number; readonly length: number };
};

export type OnnxModel = {
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Types of what the nodes pass on; those left out are inferred by the reader. */
  readonly values?: readonly OnnxValue[];
  readonly initializers: readonly OnnxInitializer[];
  readonly nodes: readonly OnnxNode[];
  /** Version by domain; "" is ONNX's own. */
  readonly opsets: Readonly<Record<string, number>>;
};

const VARINT = 0;
const FIXED32 = 5;
const BYTES = 2;
const IR_VERSION = 10;

export function writeOnnx(model: OnnxModel): Uint8Array {
  const w = new BinaryWriter();
  w.tag(1, VARINT).int64(IR_VERSION);
  text(w, 2, "illustrious");
  message(w, 7, (graph) => {
    for (const node of model.nodes) message(graph, 1, (m) => writeNode(m, node));
    text(graph, 2, "graph");
    for (const initializer of model.initializers) message(graph, 5, (m) => writeInitializer(m, initializer));
    for (const value of model.inputs) message(graph, 11, (m) => writeValue(m, value));
    for (const value of model.outputs) message(graph, 12, (m) => writeValue(m, value));
    for (const value of model.values ?? []) message(graph, 13, (m) => writeValue(m, value));
  });
  for (const [domain, version] of Object.entries(model.opsets)) {
    message(w, 8, (m) => {
      text(m, 1, domain);
      m.tag(2, VARINT).int64(version);
    });
  }
  return w.finish();
}

function message(w: BinaryWriter, field: number, write: (inner: BinaryWriter) => void): void {
  w.tag(field, BYTES).fork();
  write(w);
  w.join();
}

function text(w: BinaryWriter, field: number, value: string): void {
  w.tag(field, BYTES).string(value);
}

function writeNode(w: BinaryWriter, node: OnnxNode): void {
  for (const name of node.inputs) text(w, 1, name);
  for (const name of node.outputs) text(w, 2, name);
  // Named for its output, so that ONNX Runtime's messages and profiles say which tensor they mean.
  text(w, 3, node.outputs[0] ?? "");
  text(w, 4, node.op);
  for (const [name, value] of Object.entries(node.attributes)) message(w, 5, (m) => writeAttribute(m, name, value));
  if (node.domain) text(w, 7, node.domain);
}

function writeAttribute(w: BinaryWriter, name: string, value: OnnxAttribute): void {
  text(w, 1, name);
  if (typeof value === "number") {
    w.tag(3, VARINT).int64(value).tag(20, VARINT).int32(2);
  } else if (typeof value === "string") {
    text(w, 4, value);
    w.tag(20, VARINT).int32(3);
  } else if ("float" in value) {
    w.tag(2, FIXED32).float(value.float).tag(20, VARINT).int32(1);
  } else {
    for (const item of value) w.tag(8, VARINT).int64(item);
    w.tag(20, VARINT).int32(7);
  }
}

function writeInitializer(w: BinaryWriter, { name, type, shape, data }: OnnxInitializer): void {
  for (const dim of shape) w.tag(1, VARINT).int64(dim);
  w.tag(2, VARINT).int32(elementTypes[type]);
  text(w, 8, name);
  if (data instanceof Uint8Array) {
    w.tag(9, BYTES).bytes(data);
    return;
  }
  for (const [key, value] of Object.entries(data)) {
    message(w, 13, (m) => {
      text(m, 1, key);
      text(m, 2, `${value}`);
    });
  }
  w.tag(14, VARINT).int32(1);
}

function writeValue(w: BinaryWriter, { name, type, shape }: OnnxValue): void {
  text(w, 1, name);
  message(w, 2, (typeProto) => {
    message(typeProto, 1, (tensor) => {
      tensor.tag(1, VARINT).int32(elementTypes[type]);
      message(tensor, 2, (shapeProto) => {
        for (const dim of shape) {
          message(shapeProto, 1, (m) => {
            if (typeof dim === "number") m.tag(1, VARINT).int64(dim);
            else text(m, 2, dim);
          });
        }
      });
    });
  });
}
