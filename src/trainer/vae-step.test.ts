/** @file The error of pixels that will be clipped. */

import { expect, test } from "vitest";
import { gradients } from "../autodiff/gradients.ts";
import { graphOf } from "../graph/graph.ts";
import * as g from "../graph/ops.ts";
import { referenceRuntime } from "../runtime/reference/interpreter.ts";
import { float32 } from "../runtime/runtime.ts";
import { clippedError, END_MARGIN } from "./vae-step.ts";

/** wanted, end, decoded; error and the slope of its half square, which is the error where it has a slope. */
const cases = [
  // Beyond an end that is wanted nothing is wrong, and nothing pulls.
  [1, 1, 1.25, 0, 0],
  [-1, -1, -1.5, 0, 0],
  // Short of it and its margin.
  [1, 1, 0.75, -0.25 - END_MARGIN, -0.25 - END_MARGIN],
  [-1, -1, -0.5, 0.5 + END_MARGIN, 0.5 + END_MARGIN],
  [1, 1, 1, -END_MARGIN, -END_MARGIN],
  // Where no end is wanted, out of the range is as wrong as within.
  [0.5, 0, 1.25, 0.75, 0.75],
  [-0.5, 0, 0.25, 0.75, 0.75],
];

test("what clipping makes right is no error", async () => {
  const [wanted, ends, decoded] = ["wanted", "ends", "decoded"].map((name) => g.input(name, [cases.length]));
  const error = clippedError(decoded!, wanted!, ends!);
  const halfSquare = g.mul(g.scalar(0.5), g.sum(g.mul(error, error), [0]));
  const slope = gradients(halfSquare, [decoded!]).get(decoded!)!;
  const session = await referenceRuntime().open(graphOf({ error, slope }), new Map());
  const column = (i: number) =>
    float32(
      Float32Array.from(cases, (row) => row[i]!),
      [cases.length],
    );
  const results = await session.run({ wanted: column(0), ends: column(1), decoded: column(2) });
  const found = (name: string) => [...(results[name]!.data as Float64Array)];
  // The corner of 1e-3 leaves 1e-6 / 4 |e| of an error e: 3e-6 of the smallest, the margin.
  found("error").forEach((value, i) => {
    expect(Math.abs(value - cases[i]![3]!)).toBeLessThan(1e-5);
  });
  found("slope").forEach((value, i) => {
    expect(Math.abs(value - cases[i]![4]!)).toBeLessThan(1e-5);
  });
});
