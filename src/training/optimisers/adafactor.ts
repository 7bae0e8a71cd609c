/**
 * @file Adafactor: Shazeer and Stern (2018), "Adafactor: adaptive learning rates with sublinear memory cost", Algorithms 4
 * and 5, with the options and defaults of the transformers library, which kohya's trainers use. A matrix's second moments
 * are kept as one number a row and one a column; a tensor of more axes is a stack of matrices of its last two.
 */

import { IllustriousError } from "../../base/error.ts";

export type AdafactorOptions = {
  /** Added to squared gradients. Default 1e-30. */
  epsilon1?: number;
  /** The least root mean square that a tensor's learning rate is scaled by. Default 1e-3. */
  epsilon2?: number;
  /** The largest root mean square of an update. Default 1. */
  clipThreshold?: number;
  /** Step t forgets 1 - t^decayRate of what it knew. Default -0.8. */
  decayRate?: number;
  /** With it a first moment is kept, as large as the tensor. Default: none. */
  beta1?: number;
  /** Default 0. */
  weightDecay?: number;
  /** Scales the learning rate by the tensor's root mean square. Default true. */
  scaleParameter?: boolean;
  /** Takes min(0.01, 1 / sqrt t) for the learning rate and ignores the one that is given. Default true. */
  relativeStep?: boolean;
  /** With `relativeStep`: min(1e-6 t, 1 / sqrt t). Default false. */
  warmupInit?: boolean;
};

/** Arrays that a tensor does not need are empty: `whole` is a vector's, `rows` and `columns` a matrix's second moments. */
export type AdafactorState = {
  step: number;
  rows: Float32Array;
  columns: Float32Array;
  whole: Float32Array;
  firstMoment: Float32Array;
};

type Matrices = { stack: number; height: number; width: number };

function matricesOf(shape: readonly number[]): Matrices | undefined {
  if (shape.length < 2) return undefined;
  const [height, width] = [shape.at(-2)!, shape.at(-1)!];
  return { stack: shape.slice(0, -2).reduce((product, n) => product * n, 1), height, width };
}

export function adafactorState(shape: readonly number[], options: AdafactorOptions = {}): AdafactorState {
  const length = shape.reduce((product, n) => product * n, 1);
  const matrices = matricesOf(shape);
  return {
    step: 0,
    rows: new Float32Array(matrices ? matrices.stack * matrices.height : 0),
    columns: new Float32Array(matrices ? matrices.stack * matrices.width : 0),
    whole: new Float32Array(matrices ? 0 : length),
    firstMoment: new Float32Array(options.beta1 === undefined ? 0 : length),
  };
}

/** One step of a tensor of `shape`. Changes `values` and `state` in place. */
export function adafactorStep(
  values: Float32Array,
  gradient: Float32Array,
  state: AdafactorState,
  shape: readonly number[],
  learningRate: number,
  options: AdafactorOptions = {},
  gradientScale = 1,
): void {
  const { epsilon1 = 1e-30, clipThreshold = 1, decayRate = -0.8, beta1, weightDecay = 0 } = options;
  state.step++;
  const rate = rateOf(values, state.step, learningRate, options);
  const fresh = state.step ** decayRate;
  const matrices = matricesOf(shape);
  const factors = matrices
    ? factorsOfMatrices(gradient, state, matrices, fresh, epsilon1, gradientScale)
    : factorsOfVector(gradient, state, fresh, epsilon1, gradientScale);
  const size = meanSquareOfUpdate(gradient, factors, gradientScale);
  const scale = rate / Math.max(1, Math.sqrt(size) / clipThreshold);
  applyUpdate(values, gradient, factors, state.firstMoment, gradientScale * scale, 1 - weightDecay * rate, beta1);
}

/**
 * Both passes over a tensor go through it row by row; updates are computed twice rather than kept. Row `row` of the whole
 * stack belongs to matrix `floor(row / height)`.
 */
function meanSquareOfUpdate(gradient: Float32Array, factors: Factors, gradientScale: number): number {
  const { height, width, perRow, perColumn } = factors;
  let total = 0;
  for (let row = 0; row < perRow.length; row++) {
    const [start, left] = [row * width, Math.floor(row / height) * width];
    let squares = 0;
    for (let column = 0; column < width; column++) {
      const part = perColumn[left + column]! * gradient[start + column]!;
      squares += part * part;
    }
    total += squares * (perRow[row]! * gradientScale) ** 2;
  }
  return total / gradient.length;
}

function applyUpdate(
  values: Float32Array,
  gradient: Float32Array,
  { height, width, perRow, perColumn }: Factors,
  firstMoment: Float32Array,
  scale: number,
  keep: number,
  beta1: number | undefined,
): void {
  for (let row = 0; row < perRow.length; row++) {
    const [start, left] = [row * width, Math.floor(row / height) * width];
    const factor = perRow[row]! * scale;
    for (let column = 0; column < width; column++) {
      const k = start + column;
      let change = factor * perColumn[left + column]! * gradient[k]!;
      if (beta1 !== undefined) {
        change = beta1 * firstMoment[k]! + (1 - beta1) * change;
        firstMoment[k] = change;
      }
      values[k] = keep * values[k]! - change;
    }
  }
}

/** The learning rate of step `step`, counted from 1, where none that is given counts. */
export function relativeStepAt(
  step: number,
  { relativeStep = true, warmupInit = false }: AdafactorOptions,
): number | undefined {
  return relativeStep ? Math.min(warmupInit ? 1e-6 * step : 1e-2, 1 / Math.sqrt(step)) : undefined;
}

/** The learning rate of one tensor's step. */
function rateOf(values: Float32Array, step: number, learningRate: number, options: AdafactorOptions): number {
  const { epsilon2 = 1e-3, scaleParameter = true } = options;
  const rate = relativeStepAt(step, options) ?? learningRate;
  if (!scaleParameter) return rate;
  let squares = 0;
  for (let k = 0; k < values.length; k++) squares += values[k]! * values[k]!;
  return rate * Math.max(epsilon2, Math.sqrt(squares / values.length));
}

/** What a gradient is multiplied by, as a product of a row's and a column's factor; stacked like the matrices. */
type Factors = { height: number; width: number; perRow: Float64Array; perColumn: Float64Array };

function factorsOfVector(
  gradient: Float32Array,
  { whole }: AdafactorState,
  fresh: number,
  epsilon1: number,
  gradientScale: number,
): Factors {
  const perColumn = new Float64Array(whole.length);
  for (let k = 0; k < whole.length; k++) {
    const g = gradientScale * gradient[k]!;
    const moment = (1 - fresh) * whole[k]! + fresh * (g * g + epsilon1);
    whole[k] = moment;
    perColumn[k] = 1 / Math.sqrt(moment);
  }
  return { height: 1, width: whole.length, perRow: Float64Array.of(1), perColumn };
}

function factorsOfMatrices(
  gradient: Float32Array,
  { rows, columns }: AdafactorState,
  { stack, height, width }: Matrices,
  fresh: number,
  epsilon1: number,
  gradientScale: number,
): Factors {
  const perRow = new Float64Array(rows.length);
  const perColumn = new Float64Array(columns.length);
  for (let block = 0, k = 0; block < stack; block++) {
    const [top, left] = [block * height, block * width];
    for (let row = top; row < top + height; row++) {
      let sum = 0;
      for (let column = left; column < left + width; column++, k++) {
        const g = gradientScale * gradient[k]!;
        const square = g * g + epsilon1;
        sum += square;
        perColumn[column] = perColumn[column]! + square;
      }
      perRow[row] = sum;
    }
    let total = 0;
    for (let row = top; row < top + height; row++) {
      const moment = (1 - fresh) * rows[row]! + (fresh * perRow[row]!) / width;
      rows[row] = moment;
      perRow[row] = moment;
      total += moment;
    }
    for (let row = top; row < top + height; row++) perRow[row] = Math.sqrt(total / height / perRow[row]!);
    for (let column = left; column < left + width; column++) {
      const moment = (1 - fresh) * columns[column]! + (fresh * perColumn[column]!) / height;
      columns[column] = moment;
      perColumn[column] = 1 / Math.sqrt(moment);
    }
  }
  return { height, width, perRow, perColumn };
}

/** Refuses combinations that the transformers library refuses, too. */
export function checkAdafactor({ relativeStep = true, warmupInit = false }: AdafactorOptions): void {
  if (!warmupInit || relativeStep) return;
  throw new IllustriousError(
    "bad_option",
    "adafactor with warmupInit true and relativeStep false",
    "The warm-up is one of the relative step; give a learning rate schedule with warm-up instead.",
  );
}
