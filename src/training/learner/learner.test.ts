/** @file Learning as a whole: what accumulates, what is clipped, and that a saved state goes on bit for bit. */

import { expect, test, vi } from "vitest";
import { emaDecay, emaStep } from "../optimisers/ema.ts";
import { createLearner, type LearnerOptions, type LearnerState, type Parameter, type SavedLearner } from "./learner.ts";

const options: LearnerOptions = {
  optimiser: { kind: "adamw", weightDecay: 0.01 },
  groups: { a: { kind: "constant", peak: 0.1 }, b: { kind: "linear", peak: 0.2, totalSteps: 50 } },
  accumulation: 2,
  ema: { decay: 0.99 },
};

const fresh = (): Parameter[] => [
  { name: "w", shape: [2, 2], values: Float32Array.of(1, -2, 3, 0.5), group: "a" },
  { name: "table", shape: [4, 2], values: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), group: "b", table: true },
];

/** Gradients that differ from batch to batch and depend on the values, so that a lost bit spreads. */
const batch = (parameters: readonly Parameter[], n: number) =>
  new Map<string, Float32Array | { ids: Int32Array; values: Float32Array }>([
    ["w", parameters[0]!.values.map((v, k) => Math.sin(v + n + k))],
    ["table", { ids: Int32Array.of(n % 3, 1), values: Float32Array.of(0.3 * n, -1, parameters[1]!.values[2]!, 0.25) }],
  ]);

const copyOf = ({ tensors, numbers }: LearnerState): SavedLearner => ({
  tensors: new Map([...tensors].map(([name, values]) => [name, values.slice()])),
  numbers: { ...numbers },
});

test("two batches make an update of their mean gradient", () => {
  const plain = {
    optimiser: { kind: "lion" as const, weightDecay: 0 },
    groups: { a: { kind: "constant" as const, peak: 1 } },
  };
  const one = fresh()[0]!;
  const learner = createLearner([one], { ...plain, accumulation: 2, maxGradNorm: 0 });
  expect(learner.add(new Map([["w", Float32Array.of(3, 0, 0, 0)]]))).toBeUndefined();
  const update = learner.add(new Map([["w", Float32Array.of(3, 8, 0, -0)]]));
  expect(update).toMatchObject({ update: 1, gradientNorm: 5, skipped: false });
  // Lion moves by the sign.
  expect([...one.values]).toEqual([0, -3, 3, 0.5]);
});

test("accumulation takes shared memory once, and an update's sum has nothing of the one before", () => {
  let made = 0;
  class Counted extends SharedArrayBuffer {
    constructor(length: number) {
      super(length);
      made++;
    }
  }
  vi.stubGlobal("SharedArrayBuffer", Counted);
  const learner = createLearner([fresh()[0]!], { ...options, accumulation: 3 });
  const begun = made;
  const norms = Array.from({ length: 12 }, (_, n) => learner.add(new Map([["w", Float32Array.of(n, 0, 0, 0)]])));
  vi.unstubAllGlobals();
  expect(made - begun).toBe(1);
  expect(norms.flatMap((update) => update?.gradientNorm ?? [])).toEqual([1, 4, 7, 10]);
});

test("rows that no batch used stay as they are", () => {
  const parameters = fresh();
  const learner = createLearner(parameters, options);
  for (let n = 0; n < 4; n++) learner.add(batch(parameters, 3 * n));
  expect([...parameters[1]!.values.subarray(4)]).toEqual([5, 6, 7, 8]);
  expect(parameters[1]!.values[2]).not.toBe(3);
});

test("averages are those of all numbers, also of rows that are no longer used, and after a resumption", () => {
  const parameters = fresh();
  let learner = createLearner(parameters, { ...options, accumulation: 1 });
  const expected = parameters.map(({ values }) => values.slice());
  for (let n = 0; n < 12; n++) {
    if (n === 7) learner = createLearner(parameters, { ...options, accumulation: 1 }, copyOf(learner.state()));
    // Row 0 is used in the first three batches, row 2 not before the tenth, row 3 never.
    const ids = Int32Array.of(n < 3 ? 0 : 1, n < 10 ? 1 : 2);
    const values = Float32Array.of(0.3 * n + 1, -1, 0.5, 0.25);
    learner.add(
      new Map<string, Float32Array | { ids: Int32Array; values: Float32Array }>([
        ["w", Float32Array.of(1, n, -n, 0.1)],
        ["table", { ids, values }],
      ]),
    );
    for (const [i, average] of expected.entries())
      emaStep(average, parameters[i]!.values, emaDecay(n + 1, options.ema!));
  }
  expect([...learner.averages.values()].map((values) => [...values])).toEqual(expected.map((values) => [...values]));
  expect([...expected[1]!.subarray(0, 2)]).not.toEqual([...parameters[1]!.values.subarray(0, 2)]);
});

test("a gradient with a NaN moves nothing and is told", () => {
  const parameters = fresh();
  const learner = createLearner(parameters, { ...options, accumulation: 1 });
  const update = learner.add(new Map([["w", Float32Array.of(0, Number.NaN, 0, 0)]]));
  expect(update).toMatchObject({ skipped: true });
  expect(parameters.map(({ values }) => [...values])).toEqual(fresh().map(({ values }) => [...values]));
});

test.each(["adamw", "lion", "adafactor"] as const)("%s goes on bit for bit from a saved state", (kind) => {
  const own: LearnerOptions = { ...options, optimiser: { kind } };
  const undisturbed = fresh();
  const learner = createLearner(undisturbed, own);
  let saved: SavedLearner | undefined;
  for (let n = 0; n < 40; n++) {
    learner.add(batch(undisturbed, n));
    if (n === 19) saved = copyOf(learner.state());
  }
  const resumed = fresh();
  for (const { name, values } of resumed) values.set(saved!.tensors.get(`parameter/${name}`)!);
  const second = createLearner(resumed, own, saved);
  // Nothing of what was read stays in memory beside its copy; parameters are their reader's.
  expect([...saved!.tensors.keys()]).toEqual(["parameter/w", "parameter/table"]);
  for (let n = 20; n < 40; n++) second.add(batch(resumed, n));
  expect(copyOf(second.state())).toEqual(copyOf(learner.state()));
  expect(second.averages.get("w")).toEqual(learner.averages.get("w"));
});

test("adafactor takes a table whole, as if its gradient had been given with zeros for rows that no batch used", () => {
  const own: LearnerOptions = { ...options, optimiser: { kind: "adafactor", weightDecay: 0.1 }, accumulation: 1 };
  const byRow = fresh();
  const whole = fresh().map(({ table, ...parameter }) => parameter);
  const learner = createLearner(byRow, own);
  const dense = createLearner(whole, own);
  for (let n = 0; n < 6; n++) {
    const gradients = batch(byRow, n);
    const { ids, values } = gradients.get("table") as { ids: Int32Array; values: Float32Array };
    const all = new Float32Array(8);
    for (const [k, value] of values.entries()) all[2 * ids[k >> 1]! + (k & 1)]! += value;
    const update = learner.add(gradients);
    expect(update!.gradientNorm).toBeCloseTo(dense.add(new Map([...gradients, ["table", all]]))!.gradientNorm, 5);
    expect(update!.learningRates).toEqual({ a: 0.01, b: 0.01 });
  }
  expect(copyOf(learner.state())).toEqual(copyOf(dense.state()));
  expect(byRow[1]!.values[6]).not.toBe(7);
});

test("a parameter without a learning rate is refused by name", () => {
  expect(() => createLearner(fresh(), { ...options, groups: { a: { kind: "constant", peak: 1 } } })).toThrow(
    '"b", the group of table',
  );
});
