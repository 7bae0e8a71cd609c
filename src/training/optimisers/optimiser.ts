/**
 * @file One interface for the optimisers. A slot holds the state of one tensor as plain numbers and typed arrays; a run
 * that saves `state` and gives it back goes on bit for bit.
 */

import { IllustriousError } from "../../base/error.ts";
import type { Task } from "../crew/crew.ts";
import { type AdafactorOptions, adafactorState, adafactorStep, checkAdafactor, relativeStepAt } from "./adafactor.ts";
import { type AdamWOptions, adamWNumbers, adamWRowState, adamWRowStep, adamWState, adamWStep } from "./adamw.ts";
import { type LionOptions, lionRowStep, lionState, lionStep } from "./lion.ts";
import type { SparseRows } from "./rows.ts";

export type OptimiserOptions =
  | ({ kind: "adamw" } & AdamWOptions)
  | ({ kind: "adafactor" } & AdafactorOptions)
  | ({ kind: "lion" } & LionOptions);

export type OptimiserName = OptimiserOptions["kind"];

/** What one tensor needs beside its values. Live: copy it (structuredClone) to keep a moment of it. */
export type OptimiserState = Record<string, number | Float32Array | Int32Array>;

/** Updates one tensor. `values` change in place; the gradient that counts is `gradientScale * gradient`. */
export type Slot = {
  readonly state: OptimiserState;
  step(values: Float32Array, gradient: Float32Array, learningRate: number, gradientScale?: number): void;
  /** Of its next step, where it goes by none that is given. */
  ownRate?(): number | undefined;
  /** The same step as a task for a crew, where its numbers do not depend on each other. It counts as done. */
  task?(values: Float32Array, gradient: Float32Array, learningRate: number, gradientScale: number): Task;
};

/** The same for an embedding's used rows. */
export type RowSlot = {
  readonly state: OptimiserState;
  step(values: Float32Array, rows: SparseRows, learningRate: number, gradientScale?: number): void;
};

export type Optimiser = {
  name: OptimiserName;
  /** A tensor that no step has seen, or one as it was saved. */
  slot(shape: readonly number[], saved?: OptimiserState): Slot;
  /** The same for a table of rows. Adafactor has none: its state is of whole rows and columns. */
  rowSlot?(rows: number, width: number, saved?: OptimiserState): RowSlot;
};

export function createOptimiser(options: OptimiserOptions): Optimiser {
  checkOptions(options);
  if (options.kind === "adamw") return adamWOptimiser(options);
  return options.kind === "lion" ? lionOptimiser(options) : adafactorOptimiser(options);
}

function adamWOptimiser(options: AdamWOptions): Optimiser {
  return {
    name: "adamw",
    slot(shape, saved) {
      const state = restored(adamWState(sizeOf(shape)), saved);
      return {
        state,
        step(values, gradient, learningRate, gradientScale = 1) {
          checkLengths(values, gradient, state.firstMoment);
          adamWStep(values, gradient, state, learningRate, options, gradientScale);
        },
        task(values, gradient, learningRate, gradientScale) {
          checkLengths(values, gradient, state.firstMoment);
          const numbers = Object.values(adamWNumbers(state, learningRate, options, gradientScale));
          return { kernel: "adamw", arrays: [values, gradient, state.firstMoment, state.secondMoment], numbers };
        },
      };
    },
    rowSlot(rows, width, saved) {
      const state = restored(adamWRowState(rows, width), saved);
      return {
        state,
        step(values, used, learningRate, gradientScale = 1) {
          checkLengths(values, values, state.firstMoment);
          adamWRowStep(values, used, state, learningRate, options, gradientScale);
        },
      };
    },
  };
}

function lionOptimiser(options: LionOptions): Optimiser {
  return {
    name: "lion",
    slot(shape, saved) {
      const state = restored(lionState(sizeOf(shape)), saved);
      return {
        state,
        step(values, gradient, learningRate, gradientScale = 1) {
          checkLengths(values, gradient, state.moment);
          lionStep(values, gradient, state, learningRate, options, gradientScale);
        },
      };
    },
    rowSlot(rows, width, saved) {
      const state = restored(lionState(rows * width), saved);
      return {
        state,
        step(values, used, learningRate, gradientScale = 1) {
          checkLengths(values, values, state.moment);
          lionRowStep(values, used, state, width, learningRate, options, gradientScale);
        },
      };
    },
  };
}

function adafactorOptimiser(options: AdafactorOptions): Optimiser {
  return {
    name: "adafactor",
    slot(shape, saved) {
      const state = restored(adafactorState(shape, options), saved);
      return {
        state,
        step(values, gradient, learningRate, gradientScale = 1) {
          checkLengths(values, gradient, { length: sizeOf(shape) });
          adafactorStep(values, gradient, state, shape, learningRate, options, gradientScale);
        },
        ownRate: () => relativeStepAt(state.step + 1, options),
      };
    },
  };
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** Fills a fresh state with a saved one of the same layout. */
function restored<S extends OptimiserState>(fresh: S, saved: OptimiserState | undefined): S {
  if (!saved) return fresh;
  const layout = (value: OptimiserState[string] | undefined) =>
    typeof value === "object" ? `${value.constructor.name} of ${value.length}` : typeof value;
  for (const [name, value] of Object.entries(fresh)) {
    const given = saved[name];
    if (layout(given) !== layout(value)) {
      throw new IllustriousError(
        "bad_file",
        `optimiser state "${name}" is ${layout(given)}, this tensor and optimiser need ${layout(value)}`,
        "Resume with the optimiser, its options and the network that the state was saved with.",
      );
    }
    if (typeof value === "object") value.set(given as Float32Array | Int32Array);
    else (fresh as OptimiserState)[name] = given as number;
  }
  return fresh;
}

function checkLengths(values: Float32Array, gradient: Float32Array, state: { length: number }): void {
  if (values.length === state.length && gradient.length === state.length) return;
  throw new IllustriousError(
    "bad_shape",
    `${values.length} parameters and ${gradient.length} gradients for the state of ${state.length}`,
  );
}

function checkOptions(options: OptimiserOptions): void {
  if (options.kind === "adafactor") checkAdafactor(options);
  const shares = Object.entries(options).filter(([name]) => name === "beta1" || name === "beta2");
  const sizes = Object.entries(options).filter(([name]) => /^(epsilon|weightDecay|clipThreshold)/.test(name));
  const wrong = [
    ...shares.filter(([, value]) => !((value as number) >= 0 && (value as number) < 1)),
    ...sizes.filter(([, value]) => !((value as number) >= 0 && Number.isFinite(value))),
  ];
  if (wrong.length === 0) return;
  throw new IllustriousError(
    "bad_option",
    `${options.kind}: ${wrong.map(([name, value]) => `${name} ${value}`).join(", ")}`,
    "Betas lie in [0, 1); epsilon, weight decay and clipping are not negative.",
  );
}
