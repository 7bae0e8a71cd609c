/**
 * @file AdamW: Loshchilov and Hutter (2019), "Decoupled weight decay regularization", Algorithm 2, with a schedule
 * multiplier that lies in the learning rate. All in float32, as in PyTorch:
 *
 *     g = gradient scale * gradient
 *     m = beta1 m + (1 - beta1) g
 *     v = beta2 v + (1 - beta2) g²
 *     value = value - (learning rate * weight decay * value + learning rate / (1 - beta1^n) * m / (sqrt(v / (1 - beta2^n)) + epsilon))
 */

import { sharedNumbers } from "../../base/shared.ts";
import { type AdamWNumbers, adamWRange } from "./kernels/kernels.ts";
import { checkRows, type SparseRows } from "./rows.ts";

export type AdamWOptions = {
  /** Default 0.9. */
  beta1?: number;
  /** Default 0.999. */
  beta2?: number;
  /** Default 1e-8. */
  epsilon?: number;
  /** The part of a parameter that a step takes off is learning rate * weightDecay. Default 0.01, as in PyTorch. */
  weightDecay?: number;
};

export type AdamWState = { step: number; firstMoment: Float32Array; secondMoment: Float32Array };

/** `steps`: how often each row was used. */
export type AdamWRowState = { steps: Int32Array; firstMoment: Float32Array; secondMoment: Float32Array };

export function adamWState(length: number): AdamWState {
  return { step: 0, firstMoment: sharedNumbers(length), secondMoment: sharedNumbers(length) };
}

export function adamWRowState(rows: number, width: number): AdamWRowState {
  const length = rows * width;
  return {
    steps: new Int32Array(rows),
    firstMoment: new Float32Array(length),
    secondMoment: new Float32Array(length),
  };
}

/** One step. Changes `values` and `state` in place. The gradient that counts is `gradientScale * gradient`. */
export function adamWStep(
  values: Float32Array,
  gradient: Float32Array,
  state: AdamWState,
  learningRate: number,
  options: AdamWOptions = {},
  gradientScale = 1,
): void {
  const update = adamWNumbers(state, learningRate, options, gradientScale);
  adamWRange(update, values, gradient, state.firstMoment, state.secondMoment, 0, 0, values.length);
}

/**
 * One step of the rows that a batch used. The other rows keep everything: value, moments and count; neither weight
 * decay nor the decay of moments touches them. So a row moves as if only the steps that used it had been, with the bias
 * correction of its own count. PyTorch's SparseAdam is lazy in the same way, but corrects by the count of all steps, which
 * makes the first step of a row that comes late 1 / sqrt(1 - beta2) * (1 - beta1) = 3.2 times too long.
 */
export function adamWRowStep(
  values: Float32Array,
  { rows, values: gradient }: SparseRows,
  state: AdamWRowState,
  learningRate: number,
  options: AdamWOptions = {},
  gradientScale = 1,
): void {
  const width = values.length / state.steps.length;
  checkRows({ rows, values: gradient }, state.steps.length, width);
  for (const [i, row] of rows.entries()) {
    const step = state.steps[row]! + 1;
    state.steps[row] = step;
    const update = numbersOf(options, step, learningRate, gradientScale);
    adamWRange(update, values, gradient, state.firstMoment, state.secondMoment, row * width, i * width, width);
  }
}

/** Counts a step, and gives what is the same for all its numbers. */
export function adamWNumbers(
  state: AdamWState,
  learningRate: number,
  options: AdamWOptions,
  gradientScale: number,
): AdamWNumbers {
  state.step++;
  return numbersOf(options, state.step, learningRate, gradientScale);
}

/** What is the same for all numbers of a step. */
function numbersOf(options: AdamWOptions, step: number, learningRate: number, gradientScale: number): AdamWNumbers {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 } = options;
  return {
    scale: gradientScale,
    beta1,
    beta2,
    decay: learningRate * weightDecay,
    rate: learningRate / (1 - beta1 ** step),
    rootCorrection: 1 / Math.sqrt(1 - beta2 ** step),
    epsilon,
  };
}
