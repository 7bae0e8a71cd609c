/**
 * @file Lion: Chen et al. (2023), "Symbolic discovery of optimization algorithms", Algorithm 2. Every number moves by the
 * learning rate or not at all; one moment instead of two. The paper advises a third to a tenth of AdamW's learning rate
 * and a weight decay larger by as much.
 */

import { checkRows, type SparseRows } from "./rows.ts";

export type LionOptions = {
  /** Default 0.9. */
  beta1?: number;
  /** Default 0.99. */
  beta2?: number;
  /** Default 0. */
  weightDecay?: number;
};

export type LionState = { step: number; moment: Float32Array };

export function lionState(length: number): LionState {
  return { step: 0, moment: new Float32Array(length) };
}

/** One step. Changes `values` and `state` in place. The gradient that counts is `gradientScale * gradient`. */
export function lionStep(
  values: Float32Array,
  gradient: Float32Array,
  state: LionState,
  learningRate: number,
  options: LionOptions = {},
  gradientScale = 1,
): void {
  state.step++;
  updateRange(values, gradient, state.moment, learningRate, options, gradientScale, 0, 0, values.length);
}

/** One step of the rows that a batch used; the others keep value and moment, without decay. */
export function lionRowStep(
  values: Float32Array,
  sparse: SparseRows,
  state: LionState,
  width: number,
  learningRate: number,
  options: LionOptions = {},
  gradientScale = 1,
): void {
  checkRows(sparse, values.length / width, width);
  state.step++;
  for (const [i, row] of sparse.rows.entries()) {
    const { moment } = state;
    updateRange(values, sparse.values, moment, learningRate, options, gradientScale, row * width, i * width, width);
  }
}

function updateRange(
  values: Float32Array,
  gradient: Float32Array,
  moment: Float32Array,
  learningRate: number,
  { beta1 = 0.9, beta2 = 0.99, weightDecay = 0 }: LionOptions,
  gradientScale: number,
  start: number,
  from: number,
  count: number,
): void {
  const keep = 1 - learningRate * weightDecay;
  const [new1, new2] = [(1 - beta1) * gradientScale, (1 - beta2) * gradientScale];
  const offset = from - start;
  for (let k = start; k < start + count; k++) {
    const g = gradient[k + offset]!;
    const m = moment[k]!;
    const direction = beta1 * m + new1 * g;
    moment[k] = beta2 * m + new2 * g;
    // The sign, without a branch that half of all numbers would take by surprise: 3 times as fast. Exact, for a blend of
    // float32 numbers is 0 or at least 1e-46, to which 1e-300 adds nothing.
    values[k] = keep * values[k]! - (learningRate * direction) / (Math.abs(direction) + 1e-300);
  }
}
