/** @file What every optimiser must do, and what each does by its paper, in closed form. */

import { expect, test } from "vitest";
import { nextNormals, randomState } from "../random.ts";
import { createOptimiser, type Optimiser, type OptimiserOptions } from "./optimiser.ts";
import { sumByRow } from "./rows.ts";

const every: OptimiserOptions[] = [
  { kind: "adamw" },
  { kind: "adamw", weightDecay: 0.2, beta1: 0.8 },
  { kind: "lion", weightDecay: 0.1 },
  { kind: "adafactor" },
  { kind: "adafactor", relativeStep: false, beta1: 0.9, weightDecay: 0.1 },
];
const withRows = every.filter(({ kind }) => kind !== "adafactor");

const shape = [2, 3, 4];
const gradientOf = (step: number) => nextNormals(randomState(11, step), 24);

function run(optimiser: Optimiser, values: Float32Array, from: number, to: number, saved?: unknown): unknown {
  const slot = optimiser.slot(shape, saved as Parameters<Optimiser["slot"]>[1]);
  for (let step = from; step < to; step++) slot.step(values, gradientOf(step), 1e-2);
  return slot.state;
}

test.each(every)("$kind goes on bit for bit from a saved state", (options) => {
  const start = nextNormals(randomState(1), 24);
  const whole = start.slice();
  const end = run(createOptimiser(options), whole, 0, 9);
  const parted = start.slice();
  const saved = structuredClone(run(createOptimiser(options), parted, 0, 4));
  expect(run(createOptimiser(options), parted, 4, 9, saved)).toEqual(end);
  expect(parted).toEqual(whole);
});

test.each(every)("$kind: a gradient scale is a scaled gradient", (options) => {
  const [a, b] = [nextNormals(randomState(2), 24), nextNormals(randomState(2), 24)];
  const [scaled, plain] = [createOptimiser(options).slot(shape), createOptimiser(options).slot(shape)];
  for (let step = 0; step < 5; step++) {
    // A power of two, so that no rounding lies between the two.
    scaled.step(
      a,
      gradientOf(step).map((g) => 8 * g),
      1e-2,
      1 / 8,
    );
    plain.step(b, gradientOf(step), 1e-2);
  }
  expect(a).toEqual(b);
});

test.each(every)("$kind finds the lowest point of a parabola", (options) => {
  const target = nextNormals(randomState(3), 24);
  const values = new Float32Array(24).fill(1);
  const slot = createOptimiser({ ...options, weightDecay: 0 }).slot(shape);
  const distance = () => Math.hypot(...values.map((v, k) => v - target[k]!));
  const before = distance();
  for (let step = 0; step < 1000; step++) {
    const gradient = values.map((v, k) => v - target[k]!);
    // Falling as 1 / t, for Lion moves by the learning rate itself.
    slot.step(values, gradient, 1 / (step + 10));
  }
  expect(distance()).toBeLessThan(0.02 * before);
});

test.each(every)("$kind refuses tensors of another size and states of another layout", (options) => {
  const optimiser = createOptimiser(options);
  const slot = optimiser.slot(shape);
  expect(() => slot.step(new Float32Array(24), new Float32Array(23), 1)).toThrow("24 parameters and 23 gradients");
  expect(() => slot.step(new Float32Array(23), new Float32Array(23), 1)).toThrow("23 parameters");
  expect(() => optimiser.slot([5, 5], slot.state)).toThrow('optimiser state "');
  expect(() => optimiser.slot(shape, { step: 3 })).toThrow("is undefined");
});

const width = 3;
const table = () => nextNormals(randomState(4), 5 * width);

test.each(withRows)("$kind: rows that a batch did not use keep value and state", (options) => {
  const values = table();
  const slot = createOptimiser(options).rowSlot!(5, width);
  const used = sumByRow(Int32Array.of(3, 1, 3), nextNormals(randomState(5), 9), width);
  expect([...used.rows]).toEqual([1, 3]);
  slot.step(values, used, 1e-2);
  const [before, after] = [table(), values];
  for (const row of [0, 2, 4]) {
    const at = (array: Float32Array) => array.slice(row * width, (row + 1) * width);
    expect(at(after)).toEqual(at(before));
    for (const moment of Object.values(slot.state)) {
      if (moment instanceof Float32Array) expect(at(moment)).toEqual(new Float32Array(width));
    }
  }
  for (const row of [1, 3]) {
    for (let k = 0; k < width; k++) expect(after[row * width + k]).not.toBe(before[row * width + k]);
  }
});

test.each(withRows)("$kind: a row moves as a tensor of its own that saw only its steps", (options) => {
  const values = table();
  const slot = createOptimiser(options).rowSlot!(5, width);
  const alone = values.slice(2 * width, 3 * width);
  const single = createOptimiser(options).slot([width]);
  for (let step = 0; step < 12; step++) {
    const gradients = nextNormals(randomState(6, step), 2 * width);
    const row = step % 3 === 0 ? 2 : 4;
    slot.step(values, { rows: Int32Array.of(0, row), values: gradients }, 1e-2);
    if (row === 2) single.step(alone, gradients.slice(width), 1e-2);
  }
  expect(values.slice(2 * width, 3 * width)).toEqual(alone);
});

test.each(withRows)("$kind: rows go on bit for bit from a saved state", (options) => {
  const optimiser = createOptimiser(options);
  const [a, b] = [table(), table()];
  const used = (step: number) => sumByRow(Int32Array.of(step % 5, 4), nextNormals(randomState(7, step), 6), width);
  const whole = optimiser.rowSlot!(5, width);
  for (let step = 0; step < 6; step++) whole.step(a, used(step), 1e-2);
  const first = optimiser.rowSlot!(5, width);
  for (let step = 0; step < 3; step++) first.step(b, used(step), 1e-2);
  const second = optimiser.rowSlot!(5, width, structuredClone(first.state));
  for (let step = 3; step < 6; step++) second.step(b, used(step), 1e-2);
  expect(b).toEqual(a);
  expect(second.state).toEqual(whole.state);
});

test("AdamW under a constant gradient moves by the learning rate and a share of itself", () => {
  // Both corrected moments are the gradient and its square from the first step on.
  const values = Float32Array.of(2);
  const slot = createOptimiser({ kind: "adamw", weightDecay: 0.5, epsilon: 0 }).slot([1]);
  let wanted = 2;
  for (let step = 0; step < 50; step++) {
    slot.step(values, Float32Array.of(0.3), 0.01);
    wanted = wanted * (1 - 0.01 * 0.5) - 0.01;
  }
  // 50 float32 roundings of the value, and as many of moments.
  expect(values[0]).toBeCloseTo(wanted, 5);
});

test("a row that comes late takes a first step of the learning rate, not 3.2 of it", () => {
  const slot = createOptimiser({ kind: "adamw", weightDecay: 0 }).rowSlot!(2, 1);
  const values = new Float32Array(2);
  const row = (index: number) => ({ rows: Int32Array.of(index), values: Float32Array.of(0.7) });
  for (let step = 0; step < 1000; step++) slot.step(values, row(0), 1e-3);
  slot.step(values, row(1), 1e-3);
  expect(values[1]).toBeCloseTo(-1e-3, 8);
});

test("Lion: the sign of a blend moves, and the moment is another blend", () => {
  const slot = createOptimiser({ kind: "lion", weightDecay: 0.1 }).slot([3]);
  const values = Float32Array.of(1, 1, 1);
  for (let step = 0; step < 10; step++) slot.step(values, Float32Array.of(2, -3, 0), 0.01);
  // The moment after n equal gradients is (1 - 0.99^n) of them; the value a geometric sum.
  const moment = slot.state.moment as Float32Array;
  const blend = 1 - 0.99 ** 10;
  [2, -3, 0].forEach((gradient, k) => {
    expect(moment[k]).toBeCloseTo(blend * gradient, 6);
    const sum = Array.from({ length: 10 }, (_, i) => 0.999 ** i).reduce((a, b) => a + b);
    expect(values[k]).toBeCloseTo(0.999 ** 10 - 0.01 * Math.sign(gradient) * sum, 6);
  });
  // 0.9 m + 0.1 g turns where g = -9 m: just before, just after, and at 0 nothing but the decay.
  const turn = -9 * blend * 2;
  const step = (gradient: number) => {
    const one = createOptimiser({ kind: "lion" }).slot([1], { step: 10, moment: Float32Array.of(moment[0]!) });
    const value = new Float32Array(1);
    one.step(value, Float32Array.of(gradient), 1);
    return value[0];
  };
  expect([step(turn * 0.999), step(turn * 1.001)]).toEqual([-1, 1]);
});

test("Adafactor keeps a row and a column of second moments, whose product is exact for gradients of rank one", () => {
  const [rows, columns] = [
    [1, -2, 3],
    [0.5, 4],
  ];
  const gradient = Float32Array.from(rows!.flatMap((r) => columns!.map((c) => r * c)));
  const optimiser = createOptimiser({ kind: "adafactor", relativeStep: false, scaleParameter: false });
  const slot = optimiser.slot([3, 2]);
  const values = new Float32Array(6);
  slot.step(values, gradient, 0.1);
  // The first step's estimate is the square itself: every number moves by the learning rate.
  values.forEach((v, k) => {
    expect(v).toBeCloseTo(-0.1 * Math.sign(gradient[k]!), 6);
  });
  const lengths = Object.values(slot.state).map((v) => (typeof v === "number" ? v : v.length));
  expect(lengths).toEqual([1, 3, 2, 0, 0]);
});

test("a stack of matrices is one matrix after another", () => {
  const optimiser = createOptimiser({ kind: "adafactor", scaleParameter: false, clipThreshold: 1e9 });
  const gradient = nextNormals(randomState(9), 12);
  const stacked = new Float32Array(12);
  const [first, second] = [new Float32Array(6), new Float32Array(6)];
  const slots = [optimiser.slot([2, 2, 3]), optimiser.slot([2, 3]), optimiser.slot([2, 3])] as const;
  for (let step = 0; step < 3; step++) {
    slots[0].step(stacked, gradient, 0);
    slots[1].step(first, gradient.slice(0, 6), 0);
    slots[2].step(second, gradient.slice(6), 0);
  }
  expect(stacked).toEqual(Float32Array.of(...first, ...second));
});

test.each<[OptimiserOptions, string]>([
  [{ kind: "adamw", beta1: 1 }, "adamw: beta1 1"],
  [{ kind: "lion", beta2: -0.1 }, "lion: beta2 -0.1"],
  [{ kind: "adamw", epsilon: -1, weightDecay: Number.NaN }, "adamw: epsilon -1, weightDecay NaN"],
  [{ kind: "adafactor", warmupInit: true, relativeStep: false }, "adafactor with warmupInit true"],
])("%j is refused by value", (options, message) => {
  expect(() => createOptimiser(options)).toThrow(message);
});

test("adafactor has no rows, and tells the rate of its next step where that is its own", () => {
  const adafactor = createOptimiser({ kind: "adafactor", warmupInit: true });
  expect(adafactor.rowSlot).toBeUndefined();
  const slot = adafactor.slot([2]);
  slot.step(Float32Array.of(1, 2), Float32Array.of(1, 1), 0);
  expect(slot.ownRate?.()).toBe(2e-6);
  expect(createOptimiser({ kind: "adafactor", relativeStep: false }).slot([2]).ownRate?.()).toBeUndefined();
});
