/** @file A weight's values, out of the file where it lies. For what changes weights; what only runs them leaves them there. */

import { open } from "node:fs/promises";
import { IllustriousError } from "../base/error.ts";
import { float32FromBfloat16, float32FromFloat16 } from "../base/half.ts";
import type { WeightSource } from "./weights.ts";

/** In the order of `shape`. Throws `bad_file` for a file that ends before. */
export async function readWeight(source: WeightSource): Promise<Float32Array> {
  const { path, offset, length, dtype, shape, transposed } = source;
  const file = await open(path);
  const bytes = new Uint8Array(length);
  try {
    const { bytesRead } = await file.read(bytes, 0, length, offset);
    if (bytesRead < length)
      throw new IllustriousError("bad_file", `${path} ends ${length - bytesRead} bytes too early`);
  } finally {
    await file.close();
  }
  const values = decoded(bytes, dtype);
  if (!transposed) return values;
  const [rows, columns] = shape as [number, number];
  return values.map((_, i) => values[(i % columns) * rows + Math.floor(i / columns)]!);
}

function decoded({ buffer }: Uint8Array, dtype: WeightSource["dtype"]): Float32Array {
  if (dtype === "F32") return new Float32Array(buffer);
  return (dtype === "F16" ? float32FromFloat16 : float32FromBfloat16)(new Uint16Array(buffer));
}
