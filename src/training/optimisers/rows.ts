/**
 * @file The gradient of an embedding as the few rows that a batch looked up. A vocabulary has 49,408 rows and a batch of
 * captions a few hundred; what no caption used costs neither time nor memory.
 */

import { IllustriousError } from "../../base/error.ts";

/** `rows` rise and none comes twice; `values` holds their gradients one after another, `values.length / rows.length` each. */
export type SparseRows = { rows: Int32Array; values: Float32Array };

/**
 * Adds up the gradients of looked-up rows. `ids`: which row each lookup took, in any order and as often as it came;
 * `values`: `width` numbers a lookup. Gradients of several batches are added by giving them one after another.
 */
export function sumByRow(ids: Int32Array, values: Float32Array, width: number): SparseRows {
  if (values.length !== ids.length * width) {
    throw new IllustriousError("bad_shape", `${values.length} gradients for ${ids.length} rows of ${width}`);
  }
  const rows = Int32Array.from(new Set(ids)).sort();
  const place = new Map(Array.from(rows, (row, i) => [row, i]));
  const sums = new Float32Array(rows.length * width);
  for (const [i, id] of ids.entries()) {
    const to = place.get(id)! * width;
    for (let k = 0; k < width; k++) sums[to + k] = sums[to + k]! + values[i * width + k]!;
  }
  return { rows, values: sums };
}

/** Refuses rows that a table of `count` rows of `width` does not have. */
export function checkRows({ rows, values }: SparseRows, count: number, width: number): void {
  const rising = rows.every((row, i) => row > (i === 0 ? -1 : rows[i - 1]!) && row < count);
  if (rising && values.length === rows.length * width) return;
  throw new IllustriousError(
    "bad_shape",
    `${values.length} gradients for ${rows.length} rows, ${rows[0]} to ${rows.at(-1)}, of a table of ${count} x ${width}`,
    "Rows rise, none comes twice, and each has its gradients; sumByRow makes them so.",
  );
}
