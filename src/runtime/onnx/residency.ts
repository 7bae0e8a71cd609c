/** @file Where a network's matrices live while it is open: a trade of memory and opening time against speed. */

/**
 * `folded`: a private float32 copy, in the order in which the kernels read it. Fastest to run.
 * `mapped`: left in the file, widened and ordered anew in every run. Opens at once; what it holds, the system may take
 * back. At full size a step takes 1.3 times as long at 256², 1.1 times at 512² (bench/README.md).
 * Convolution kernels are folded in both: only constant ones reach the fast convolution, and they are a tenth of the bytes.
 */
export type Residency = "folded" | "mapped";

/**
 * Opening takes 1.2 times the copy (matrices in both orders, and the file's pages in passing); the rest is for what a run
 * computes on the way: at full size, 3 GiB.
 */
const NEEDED = 1.5;

/** Folded where there is room: `float32` bytes of weights, `available` bytes of memory. */
export function chooseResidency(float32: number, available: number): Residency {
  return NEEDED * float32 <= available ? "folded" : "mapped";
}
