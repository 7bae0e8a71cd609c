/**
 * @file What learns: named parameters in groups with learning rates of their own, their optimiser, and their running
 * average. Gradients come in, accumulate, are clipped as one vector, and move the parameters. All that a later process
 * needs to go on bit for bit is in `state`.
 */

import { IllustriousError } from "../../base/error.ts";
import { shared } from "../../base/shared.ts";
import { type Crew, type Task, thisThread } from "../crew/crew.ts";
import { clipScale, globalNorm } from "../optimisers/clipping.ts";
import { type EmaOptions, emaDecay, emaStep } from "../optimisers/ema.ts";
import { checkLearningRate, type LearningRateSchedule, learningRateAt } from "../optimisers/learning-rate.ts";
import {
  createOptimiser,
  type OptimiserOptions,
  type OptimiserState,
  type RowSlot,
  type Slot,
} from "../optimisers/optimiser.ts";
import { type SparseRows, sumByRow } from "../optimisers/rows.ts";

export type Parameter = {
  readonly name: string;
  readonly shape: readonly number[];
  /** Changed in place by every update. */
  readonly values: Float32Array;
  /** Whose learning rate it has. */
  readonly group: string;
  /** An embedding: its gradients come as looked-up rows, and rows that no batch used stay as they are where the optimiser has rows. */
  readonly table?: boolean;
};

export type LearnerOptions = {
  readonly optimiser: OptimiserOptions;
  readonly groups: Readonly<Record<string, LearningRateSchedule>>;
  /** Longest gradient of all parameters together; 0 is no limit. Default 1, as kohya's trainers have it. */
  readonly maxGradNorm?: number;
  /** Batches that make one update. Default 1. */
  readonly accumulation?: number;
  readonly ema?: EmaOptions;
};

/** Gradients of one batch by parameter: whole, or of looked-up rows (`ids`, with one row of `values` each). */
export type BatchGradients = ReadonlyMap<
  string,
  Float32Array | { readonly ids: Int32Array; readonly values: Float32Array }
>;

export type Update = {
  /** Updates so far, this one among them. */
  readonly update: number;
  /** Length of the gradient before clipping. */
  readonly gradientNorm: number;
  readonly learningRates: Readonly<Record<string, number>>;
  /** The gradient had a NaN or an infinity, and nothing moved. */
  readonly skipped: boolean;
};

/** Live, not a copy: tensors by name, and plain numbers. Only complete between updates. */
export type LearnerState = {
  readonly tensors: ReadonlyMap<string, Float32Array | Int32Array>;
  readonly numbers: Readonly<Record<string, number>>;
};

/** A state as it was read. Whoever copies a tensor takes it out: it would lie beside its copy to the end of the run. */
export type SavedLearner = {
  readonly tensors: Map<string, Float32Array | Int32Array>;
  readonly numbers: Readonly<Record<string, number>>;
};

export function takeOut(saved: SavedLearner | undefined, name: string): Float32Array | Int32Array | undefined {
  const values = saved?.tensors.get(name);
  saved?.tensors.delete(name);
  return values;
}

export type Learner = {
  readonly parameters: ReadonlyMap<string, Parameter>;
  /** Running averages; the parameters themselves where no averaging was asked for. */
  readonly averages: ReadonlyMap<string, Float32Array>;
  readonly updates: number;
  /** Takes one batch's gradients; gives an update when enough batches have come. */
  add(gradients: BatchGradients): Update | undefined;
  state(): LearnerState;
};

export function createLearner(
  parameters: readonly Parameter[],
  options: LearnerOptions,
  saved?: SavedLearner,
  crew: Crew = thisThread,
): Learner {
  const { groups, maxGradNorm = 1, accumulation = 1 } = options;
  checkOptions(parameters, options);
  const optimiser = createOptimiser(options.optimiser);
  const slots = new Map(
    parameters.map((parameter) => {
      const { name, shape, table } = parameter;
      const state = saved && slotState(saved, name);
      const slot =
        table && optimiser.rowSlot
          ? { rows: optimiser.rowSlot(shape[0]!, shape[1]!, state) }
          : { whole: optimiser.slot(shape, state) };
      return [name, slot] as const;
    }),
  );
  const averages = averagesOf(parameters, options.ema, saved);
  const byRow = parameters.filter(({ name }) => "rows" in slots.get(name)!);
  const moved = options.ema ? movedRows(byRow, averages) : new Map<string, Set<number>>();
  /** Whole gradients of tables, for an optimiser that has no rows: one place each, taken once. */
  const wholes = new Map<string, Float32Array>();
  let updates = saved?.numbers.updates ?? 0;
  let pending: Pending = new Map();
  /** Where gradients of several batches are summed up: the garbage collector does not count shared memory, and frees a new piece an update too late. */
  const sums = accumulation > 1 ? new Map<string, Float32Array>() : undefined;
  let batches = 0;

  /** Of the optimiser's next step, where it goes by none that is given: all tensors of a group are as far. */
  function ownRateOf(group: string): number | undefined {
    const first = parameters.find((parameter) => parameter.group === group);
    const { whole } = (first ? slots.get(first.name)! : {}) as { whole?: Slot };
    return whole?.ownRate?.();
  }

  function update(): Update {
    const gradients = new Map([...pending].map(([name, sum]) => [name, "ids" in sum ? rowsOf(sum) : sum.values]));
    pending = new Map();
    const norm = normOf(crew, gradients);
    const gradientNorm = norm / accumulation;
    const learningRates = Object.fromEntries(
      Object.entries(groups).map(([group, schedule]) => [group, ownRateOf(group) ?? learningRateAt(schedule, updates)]),
    );
    updates++;
    const scale = clipScale(gradientNorm, maxGradNorm) / accumulation;
    if (!Number.isFinite(scale)) return { update: updates, gradientNorm, learningRates, skipped: true };
    const decay = options.ema && emaDecay(updates, options.ema);
    const tasks: Task[] = [];
    for (const { name, values, shape, group } of parameters) {
      const gradient = gradients.get(name);
      const { whole, rows } = slots.get(name)! as { whole?: Slot; rows?: RowSlot };
      const rate = learningRates[group]!;
      const average = decay === undefined ? [] : [averages.get(name)!];
      if (rows) {
        if (gradient && "rows" in gradient) {
          rows.step(values, gradient, rate, scale);
          for (const row of gradient.rows) moved.get(name)?.add(row);
        }
        for (const row of moved.get(name) ?? []) {
          const width = shape[1]!;
          emaStep(average[0]!, values, decay!, row * width, (row + 1) * width);
        }
      } else if (gradient instanceof Float32Array && whole!.task) {
        const { kernel, arrays, numbers } = whole!.task(values, gradient, rate, scale);
        tasks.push({ kernel, arrays: [...arrays, ...average], numbers: [...numbers, decay ?? 0] });
      } else {
        if (gradient) whole!.step(values, wholeOf(gradient, wholes, name, shape), rate, scale);
        if (average[0]) tasks.push({ kernel: "ema", arrays: [average[0], values], numbers: [decay!] });
      }
    }
    crew.run(tasks);
    return { update: updates, gradientNorm, learningRates, skipped: false };
  }

  return {
    parameters: new Map(parameters.map((parameter) => [parameter.name, parameter])),
    averages,
    get updates() {
      return updates;
    },
    add(gradients) {
      for (const parameter of parameters) accumulate(pending, parameter, gradients.get(parameter.name), sums);
      batches++;
      if (batches < accumulation) return undefined;
      batches = 0;
      return update();
    },
    state() {
      const tensors = new Map<string, Float32Array | Int32Array>();
      const numbers: Record<string, number> = { updates };
      for (const { name, values } of parameters) {
        tensors.set(`parameter/${name}`, values);
        if (options.ema) tensors.set(`average/${name}`, averages.get(name)!);
        const slot = slots.get(name)! as { whole?: Slot; rows?: RowSlot };
        for (const [field, value] of Object.entries((slot.whole ?? slot.rows)!.state)) {
          if (typeof value === "number") numbers[`slot/${name}/${field}`] = value;
          else tensors.set(`slot/${name}/${field}`, value);
        }
      }
      return { tensors, numbers };
    },
  };
}

/** Sums of the batches since the last update; looked-up rows are kept one after another until then. */
type Pending = Map<string, { values: Float32Array } | { ids: Int32Array; values: Float32Array; width: number }>;

function accumulate(
  pending: Pending,
  { name, shape, table }: Parameter,
  given: GradientOf,
  sums: Map<string, Float32Array> | undefined,
): void {
  if (!given) return;
  const sum = pending.get(name);
  if (given instanceof Float32Array) {
    if (table)
      throw new IllustriousError("bad_option", `the table ${name} needs the gradients of its rows, not of all of it`);
    // A batch's gradient holds until the next batch is computed.
    if (!sum) pending.set(name, { values: sums ? keptIn(sums, name, given) : given });
    else for (let k = 0; k < given.length; k++) sum.values[k] = sum.values[k]! + given[k]!;
    return;
  }
  const before = sum && "ids" in sum ? sum : { ids: new Int32Array(0), values: new Float32Array(0) };
  const ids = new Int32Array([...before.ids, ...given.ids]);
  const values = new Float32Array(before.values.length + given.values.length);
  values.set(before.values);
  values.set(given.values, before.values.length);
  pending.set(name, { ids, values, width: shape[1]! });
}

function keptIn(sums: Map<string, Float32Array>, name: string, given: Float32Array): Float32Array {
  const place = sums.get(name);
  if (place) place.set(given);
  else sums.set(name, shared(given));
  return sums.get(name)!;
}

type GradientOf = BatchGradients extends ReadonlyMap<string, infer V> ? V | undefined : never;

/** A table's gradient with zeros where no row was used. */
function wholeOf(
  gradient: Float32Array | SparseRows,
  wholes: Map<string, Float32Array>,
  name: string,
  shape: readonly number[],
): Float32Array {
  if (gradient instanceof Float32Array) return gradient;
  const [height, width] = shape as [number, number];
  const whole = wholes.get(name)?.fill(0) ?? new Float32Array(height * width);
  wholes.set(name, whole);
  for (const [i, row] of gradient.rows.entries()) {
    whole.set(gradient.values.subarray(i * width, (i + 1) * width), row * width);
  }
  return whole;
}

function rowsOf({ ids, values, width }: { ids: Int32Array; values: Float32Array; width: number }): SparseRows {
  return sumByRow(ids, values, width);
}

/** The length of all gradients together. Not finite if one number is not. */
function normOf(crew: Crew, gradients: ReadonlyMap<string, Float32Array | SparseRows>): number {
  const whole = [...gradients.values()].filter((gradient) => gradient instanceof Float32Array);
  const sums = crew.run(whole.map((gradient) => ({ kernel: "squares", arrays: [gradient], numbers: [] })));
  const rows = [...gradients.values()].flatMap((gradient) => ("rows" in gradient ? [gradient.values] : []));
  return Math.sqrt(sums.reduce((sum, square) => sum + square, 0) + globalNorm(rows) ** 2);
}

function averagesOf(
  parameters: readonly Parameter[],
  ema: EmaOptions | undefined,
  saved: SavedLearner | undefined,
): Map<string, Float32Array> {
  return new Map(
    parameters.map(({ name, values }) => {
      if (!ema) return [name, values];
      const kept = takeOut(saved, `average/${name}`);
      return [name, shared(kept instanceof Float32Array ? kept : values)];
    }),
  );
}

/** A table's rows that differ from their averages. The others stay equal until they are used: averaging them would change nothing. */
function movedRows(
  parameters: readonly Parameter[],
  averages: ReadonlyMap<string, Float32Array>,
): Map<string, Set<number>> {
  const moved = new Map<string, Set<number>>();
  for (const { name, values, shape, table } of parameters) {
    if (!table) continue;
    const rows = new Set<number>();
    const average = averages.get(name)!;
    for (let k = 0; k < values.length; k++) if (values[k] !== average[k]) rows.add(Math.floor(k / shape[1]!));
    moved.set(name, rows);
  }
  return moved;
}

function slotState(saved: SavedLearner, name: string): OptimiserState {
  const prefix = `slot/${name}/`;
  const fields = [...saved.tensors, ...Object.entries(saved.numbers)].filter(([key]) => key.startsWith(prefix));
  for (const [key] of fields) takeOut(saved, key);
  return Object.fromEntries(fields.map(([key, value]) => [key.slice(prefix.length), value])) as OptimiserState;
}

function checkOptions(
  parameters: readonly Parameter[],
  { groups, accumulation = 1, maxGradNorm = 1 }: LearnerOptions,
): void {
  for (const schedule of Object.values(groups)) checkLearningRate(schedule);
  const lost = parameters.find(({ group }) => !(group in groups));
  if (lost) throw new IllustriousError("bad_option", `no learning rate for "${lost.group}", the group of ${lost.name}`);
  if (!(Number.isInteger(accumulation) && accumulation >= 1)) {
    throw new IllustriousError(
      "bad_option",
      `accumulation over ${accumulation} batches`,
      "Needs a whole number from 1.",
    );
  }
  if (!(maxGradNorm >= 0)) {
    throw new IllustriousError("bad_option", `max_grad_norm ${maxGradNorm}`, "Needs a number >= 0; 0 is no limit.");
  }
}
