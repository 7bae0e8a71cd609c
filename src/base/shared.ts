/** @file Numbers in memory that all threads of a process read and write. */

export function sharedNumbers(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(4 * length));
}

/** A copy. */
export function shared(values: Float32Array): Float32Array {
  const copy = sharedNumbers(values.length);
  copy.set(values);
  return copy;
}
