/** @file A weight's values, out of the file where it lies. For what changes weights; what only runs them leaves them there. */

import { open } from "node:fs/promises";
import { IllustriousError } from "../base/error.ts";
import { float32FromBytes } from "../base/float-bytes.ts";
import type { WeightSource } from "./weights.ts";

/** In the order of `shape`. Throws as `readWeightBytes`. */
export async function readWeight(source: WeightSource): Promise<Float32Array> {
  const values = float32FromBytes(await readWeightBytes(source), source.dtype);
  if (!source.transposed) return values;
  const [rows, columns] = source.shape as [number, number];
  return values.map((_, i) => values[(i % columns) * rows + Math.floor(i / columns)]!);
}

/** As the file has them, also where it has a matrix's axes swapped. Throws `bad_file` for a file that ends before. */
export async function readWeightBytes({ path, offset, length }: WeightSource): Promise<Uint8Array> {
  const file = await open(path);
  const bytes = new Uint8Array(length);
  try {
    const { bytesRead } = await file.read(bytes, 0, length, offset);
    if (bytesRead < length)
      throw new IllustriousError("bad_file", `${path} ends ${length - bytesRead} bytes too early`);
  } finally {
    await file.close();
  }
  return bytes;
}
