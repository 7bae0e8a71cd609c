/** @file Numbers of the types that weights are stored in, as a file's bytes (little-endian), and from one type to another. */

import type { WeightDType } from "./dtype.ts";
import { bfloat16FromFloat32, float16FromFloat32, float32FromBfloat16, float32FromFloat16 } from "./half.ts";

/** A view of the same numbers where they are float32 already, and lie where a float32 may. */
export function float32FromBytes(bytes: Uint8Array, dtype: WeightDType): Float32Array {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  if (dtype === "F32") return new Float32Array(buffer, byteOffset, byteLength / 4);
  const halves = new Uint16Array(buffer, byteOffset, byteLength / 2);
  return dtype === "F16" ? float32FromFloat16(halves) : float32FromBfloat16(halves);
}

/** Round to nearest even; a view of the same numbers for float32. */
export function bytesFromFloat32(values: Float32Array, dtype: WeightDType): Uint8Array {
  const stored = dtype === "F32" ? values : dtype === "F16" ? float16FromFloat32(values) : bfloat16FromFloat32(values);
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

/** A matrix with its axes swapped: [rows, columns] to [columns, rows], its elements taken as so many bytes each. */
export function transposedBytes(bytes: Uint8Array, elementBytes: number, rows: number, columns: number): Uint8Array {
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const length = rows * columns;
  const from =
    elementBytes === 4 ? new Uint32Array(buffer, byteOffset, length) : new Uint16Array(buffer, byteOffset, length);
  const to = from.map((_, i) => from[(i % rows) * columns + Math.floor(i / rows)]!);
  return new Uint8Array(to.buffer);
}
