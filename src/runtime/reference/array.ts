/** @file Float64 arrays with a shape, and the index arithmetic that the reference rules share. Slow and plain on purpose. */

export type NdArray = { readonly data: Float64Array; readonly shape: readonly number[] };

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

export function emptyArray(shape: readonly number[]): { data: Float64Array; shape: readonly number[] } {
  return { data: new Float64Array(sizeOf(shape)), shape };
}

/** Distance in elements between neighbours along each axis. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

/**
 * Calls `visit` for every element of `shape` in row-major order, with its position and, for each row of `strides`, the
 * offset there. A stride of 0 repeats an axis, which is how broadcasting and reduction are written.
 */
export function walk(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
  visit: (position: number, offsets: readonly number[]) => void,
): void {
  const total = sizeOf(shape);
  const index = new Array<number>(shape.length).fill(0);
  const offsets = new Array<number>(strides.length).fill(0);
  for (let position = 0; position < total; position++) {
    visit(position, offsets);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      for (let k = 0; k < strides.length; k++) offsets[k]! += strides[k]![axis]!;
      if (index[axis]! < shape[axis]!) break;
      for (let k = 0; k < strides.length; k++) offsets[k]! -= strides[k]![axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}

/** Strides with which an array of `shape` is read as if it had the larger shape `target`. */
export function broadcastStrides(shape: readonly number[], target: readonly number[]): number[] {
  const own = stridesOf(shape);
  const lead = target.length - shape.length;
  return target.map((_, i) => (i < lead || shape[i - lead] === 1 ? 0 : own[i - lead]!));
}
