/** @file The loops of a learner's step (`kernels.wat`) on arrays of any length, which go through the kernels' memory block by block. */

import { openKernels } from "../../../base/kernel-memory.ts";
import { KERNELS } from "./bytes.ts";

type Kernels = {
  adamw(
    values: number,
    gradient: number,
    first: number,
    second: number,
    average: number,
    count: number,
    scale: number,
    beta1: number,
    rest1: number,
    beta2: number,
    rest2: number,
    decay: number,
    rate: number,
    rootCorrection: number,
    epsilon: number,
    part: number,
  ): void;
  blend(sum: number, other: number, count: number, before: number, by: number): void;
  squares(values: number, count: number): number;
};

/** Numbers of a block: five arrays of them stay in a processor's second cache. */
const BLOCK = 8192;

const { kernels, layOut, floatsAt } = openKernels<Kernels>(KERNELS);
const bytes = 4 * BLOCK;
const at = layOut({ values: bytes, gradient: bytes, first: bytes, second: bytes, average: bytes });
const room = {
  values: floatsAt(at.values, BLOCK),
  gradient: floatsAt(at.gradient, BLOCK),
  first: floatsAt(at.first, BLOCK),
  second: floatsAt(at.second, BLOCK),
  average: floatsAt(at.average, BLOCK),
};

/** What is the same for all numbers of a step. The formula is in `src/training/optimisers/adamw.ts`. */
export type AdamWNumbers = {
  scale: number;
  beta1: number;
  beta2: number;
  decay: number;
  rate: number;
  rootCorrection: number;
  epsilon: number;
};

/** The array that moves towards the new values by a part of the way. */
export type Following = { readonly average: Float32Array; readonly part: number };

/** Updates `count` numbers from `start` on, whose gradients begin at `from`. */
export function adamWRange(
  { scale, beta1, beta2, decay, rate, rootCorrection, epsilon }: AdamWNumbers,
  values: Float32Array,
  gradient: Float32Array,
  first: Float32Array,
  second: Float32Array,
  start: number,
  from: number,
  count: number,
  following?: Following,
): void {
  for (let done = 0; done < count; done += BLOCK) {
    const [begin, end] = [start + done, start + Math.min(done + BLOCK, count)];
    const block = {
      values: values.subarray(begin, end),
      first: first.subarray(begin, end),
      second: second.subarray(begin, end),
    };
    room.values.set(block.values);
    room.first.set(block.first);
    room.second.set(block.second);
    room.gradient.set(gradient.subarray(from + done, from + done + end - begin));
    const average = following?.average.subarray(begin, end);
    if (average) room.average.set(average);
    kernels.adamw(
      at.values,
      at.gradient,
      at.first,
      at.second,
      average ? at.average : 0,
      end - begin,
      scale,
      beta1,
      1 - beta1,
      beta2,
      1 - beta2,
      decay,
      rate,
      rootCorrection,
      epsilon,
      following?.part ?? 0,
    );
    const size = end - begin;
    block.values.set(room.values.subarray(0, size));
    block.first.set(room.first.subarray(0, size));
    block.second.set(room.second.subarray(0, size));
    average?.set(room.average.subarray(0, size));
  }
}

/** `sum` becomes before * sum + by * other, from `start` to `end`. */
export function blend(
  sum: Float32Array,
  other: Float32Array,
  before: number,
  by: number,
  start: number,
  end: number,
): void {
  for (let begin = start; begin < end; begin += BLOCK) {
    const block = sum.subarray(begin, Math.min(begin + BLOCK, end));
    room.values.set(block);
    room.gradient.set(other.subarray(begin, begin + block.length));
    kernels.blend(at.values, at.gradient, block.length, before, by);
    block.set(room.values.subarray(0, block.length));
  }
}

/** Of the numbers from `start` to `end`, in doubles. */
export function sumOfSquares(values: Float32Array, start: number, end: number): number {
  let sum = 0;
  for (let begin = start; begin < end; begin += BLOCK) {
    const block = values.subarray(begin, Math.min(begin + BLOCK, end));
    room.values.set(block);
    // The last four of a block may be partly behind its end.
    room.values.fill(0, block.length, Math.min(BLOCK, block.length + 3));
    sum += kernels.squares(at.values, block.length);
  }
  return sum;
}
