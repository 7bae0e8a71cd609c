/**
 * @file First values of a network that learns from nothing. Matrices and kernels as PyTorch's layers have them (uniform
 * within 1/√fan-in, after LeCun et al. 1998), norms 1, biases and shifts 0, tables of CLIP as Radford et al. (2021).
 */

import { nextNormals, nextUniform, type RandomState } from "../random.ts";

/** `gain` 0 gives zeros: for a layer that should add nothing at first. */
export function initialValues(
  name: string,
  shape: readonly number[],
  random: RandomState,
  gain: number = 1,
): Float32Array {
  const length = shape.reduce((product, n) => product * n, 1);
  if (name.endsWith("bias") || gain === 0) return new Float32Array(length);
  if (shape.length === 1) return new Float32Array(length).fill(1);
  if (/token_embedding|position_embedding/.test(name)) {
    const deviation = name.includes("token") ? 0.02 : 0.01;
    return nextNormals(random, length).map((x) => deviation * x);
  }
  const fanIn = length / shape[0]!;
  const reach = gain / Math.sqrt(fanIn);
  return Float32Array.from({ length }, () => reach * (2 * nextUniform(random) - 1));
}
