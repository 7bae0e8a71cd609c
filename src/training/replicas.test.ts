/** @file Batches in parts: which pictures go where, and what comes back as of the whole. */

import { expect, test } from "vitest";
import { float32, type Session, type Values } from "../runtime/runtime.ts";
import { joinedRows, meansOf, partsOf, runParts } from "./replicas.ts";

test("every picture is in one part, parts differ by one at most, and none is empty", () => {
  for (let count = 1; count < 12; count++) {
    for (let parts = 1; parts < 6; parts++) {
      const ranges = partsOf(count, parts);
      expect(ranges.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i))).toEqual(
        Array.from({ length: count }, (_, i) => i),
      );
      const sizes = ranges.map(({ from, to }) => to - from);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      expect(Math.min(...sizes)).toBeGreaterThan(0);
    }
  }
});

/** The mean of its pictures' numbers, each picture's own, and the mean's gradient in each. */
const session: Session = {
  async run({ x }: Values) {
    const data = x!.data as Float32Array;
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    return {
      mean: float32(Float32Array.of(mean), []),
      rows: float32(
        data.map((value) => 10 * value),
        x!.shape,
      ),
      slopes: float32(
        data.map(() => 1 / data.length),
        x!.shape,
      ),
    };
  },
  release: async () => {},
};

test("means, rows and slopes of parts of unequal size are those of the whole", async () => {
  const values = Float32Array.of(1, 2, 4, 8, 16, 32, 64);
  for (const sessions of [1, 2, 3, 7, 9]) {
    const parts = await runParts(Array(sessions).fill(session), values.length, ({ from, to }) => ({
      x: float32(values.slice(from, to), [to - from]),
    }));
    const [mean] = meansOf(parts, ["mean"]);
    expect(mean![0]).toBeCloseTo(127 / 7, 5);
    expect([...joinedRows(parts, "rows", false)]).toEqual([...values].map((value) => 10 * value));
    for (const slope of joinedRows(parts, "slopes", true)) expect(slope).toBeCloseTo(1 / 7, 6);
  }
});
