/**
 * @file A model's tensors as a single file holds them, out of the same tables by which such files are read: each under the
 * prefix of its network, the second encoder in OpenCLIP's layout, with the marks of what is predicted beside them.
 */

import { bytesOf, type WeightDType } from "../../base/dtype.ts";
import { internalError } from "../../base/error.ts";
import { bytesFromFloat32, float32FromBytes, transposedBytes } from "../../base/float-bytes.ts";
import type { TensorToWrite } from "../../formats/safetensors/index.ts";
import { readWeightBytes } from "../../runtime/read-weight.ts";
import type { WeightSource } from "../../runtime/weights.ts";
import type { SdxlConfigs } from "./config.ts";
import { COMPONENTS, type Component, FOLDER, parametersOf, SGM_PREFIX } from "./names.ts";
import type { Parameter } from "./names-table.ts";
import type { PredictionMarks } from "./prediction-marks.ts";
import { storableType } from "./storable.ts";

/** One parameter's values, read when their turn comes. */
export type StoredValues = {
  readonly dtype: WeightDType;
  /** The type to store them in, one that holds them all; by default their own. */
  readonly storedAs?: WeightDType;
  /** The bytes are those of a matrix whose axes are swapped against the parameter's. */
  readonly transposed?: boolean;
  bytes(): Uint8Array | Promise<Uint8Array>;
};

/** By the parameter's own name; undefined is a fault of the caller's. */
export type ValuesOf = (component: Component, name: string) => StoredValues | undefined;

export function storedWeight(source: WeightSource): StoredValues {
  const { dtype, transposed = false } = source;
  return { dtype, transposed, bytes: () => readWeightBytes(source) };
}

/** One tensor's values are in memory at a time. What is packed together of several types becomes F32. */
export function singleFileTensors(configs: SdxlConfigs, valuesOf: ValuesOf, marks: PredictionMarks): TensorToWrite[] {
  const networks = COMPONENTS.flatMap((component) => {
    const places = new Map<string, Parameter[]>();
    for (const parameter of parametersOf(component, configs) ?? []) {
      const { key } = parameter.sgm;
      places.set(key, [...(places.get(key) ?? []), parameter]);
    }
    return [...places].map(([key, parameters]) => {
      const pieces = parameters.map((parameter) => pieceOf(component, parameter, valuesOf(component, parameter.name)));
      return tensorOf(SGM_PREFIX[component] + key, pieces);
    });
  });
  const empty = marks.tensors.map((name) => marker(name, [0], []));
  const scalars = Object.entries(marks.scalars).map(([name, value]) => marker(name, [], [value]));
  return [...networks, ...empty, ...scalars];
}

type Piece = { readonly name: string; readonly parameter: Parameter; readonly values: StoredValues };

function pieceOf(component: Component, parameter: Parameter, values: StoredValues | undefined): Piece {
  const name = `${FOLDER[component]}.${parameter.name}`;
  if (values) return { name, parameter, values };
  throw internalError(`no values of ${name}`);
}

/** What is packed together lies in the order of its parts. */
function tensorOf(name: string, pieces: readonly Piece[]): TensorToWrite {
  const ordered = [...pieces].sort((a, b) => (a.parameter.sgm.part?.index ?? 0) - (b.parameter.sgm.part?.index ?? 0));
  const { shape, part } = ordered[0]!.parameter.sgm;
  if (ordered.length !== (part?.of ?? 1))
    throw internalError(`${name} has ${ordered.length} of ${part?.of ?? 1} parts`);
  const types = new Set(ordered.map(({ values }) => values.storedAs ?? values.dtype));
  // Neither half type holds what the other does.
  const dtype = types.size === 1 ? [...types][0]! : "F32";
  return {
    name,
    dtype,
    shape,
    async data() {
      const parts: Uint8Array[] = [];
      for (const piece of ordered) parts.push(await bytesAs(dtype, piece));
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    },
  };
}

async function bytesAs(dtype: WeightDType, { name, parameter, values }: Piece): Promise<Uint8Array> {
  const { shape, sgm } = parameter;
  const { transposed = false } = values;
  const given = await values.bytes();
  const numbers = float32FromBytes(given, values.dtype);
  if (storableType(name, numbers, dtype) !== dtype) throw internalError(`${name} is too large for ${dtype}`);
  const bytes = values.dtype === dtype ? given : bytesFromFloat32(numbers, dtype);
  if (transposed === (sgm.transposed ?? false)) return bytes;
  const [rows, columns] = (transposed ? [...shape].reverse() : shape) as [number, number];
  return transposedBytes(bytes, bytesOf[dtype], rows, columns);
}

/** Of float32, as PyTorch's `torch.tensor([])` is, which ComfyUI writes. */
function marker(name: string, shape: readonly number[], values: readonly number[]): TensorToWrite {
  return { name, dtype: "F32", shape, data: bytesFromFloat32(Float32Array.from(values), "F32") };
}
