/** @file Distances of spreads against the values themselves, sorted. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { spreadCounter } from "./spread.ts";
import { edgesOf, spreadDistance } from "./spread-distance.ts";

/** Of the values themselves: both distribution functions at every value. */
function exact(a: readonly number[], b: readonly number[]): { ks: number; moved: number } {
  const at = [...new Set([...a, ...b])].sort((x, y) => x - y);
  const below = (values: readonly number[], x: number) => values.filter((value) => value <= x).length / values.length;
  const apart = at.map((x) => Math.abs(below(a, x) - below(b, x)));
  const moved = apart.slice(0, -1).reduce((sum, one, i) => sum + one * (at[i + 1]! - at[i]!), 0);
  return { ks: Math.max(...apart), moved };
}

function counted(values: readonly number[], scale: "linear" | "log") {
  const spread = spreadCounter(0, 200, scale);
  for (const value of values) spread.add(value);
  return spread.fine;
}

const SET = fc.array(fc.integer({ min: 0, max: 199 }), { minLength: 1, maxLength: 30 });

test.each(["linear", "log"] as const)("as by the values themselves, %s bins", (scale) => {
  fc.assert(
    fc.property(SET, SET, (a, b) => {
      // Whole numbers never share a bin here.
      const found = spreadDistance(counted(a, scale), counted(b, scale))!;
      const { ks, moved } = exact(a, b);
      expect(found.ks).toBeCloseTo(ks, 9);
      // Each value is taken for its bin's edge.
      const edges = edgesOf(counted(a, scale));
      expect(Math.abs(found.moved - moved)).toBeLessThanOrEqual(edges(4000) - edges(3999) + 1e-9);
    }),
  );
});

test("a set moved by a constant is that far away; none is no distance", () => {
  const values = Array.from({ length: 100 }, (_, i) => i);
  const moved = values.map((value) => value + 25);
  expect(spreadDistance(counted(values, "linear"), counted(moved, "linear"))).toEqual({
    ks: expect.closeTo(0.25, 9),
    moved: expect.closeTo(25, 1),
  });
  expect(spreadDistance(counted(values, "linear"), counted([], "linear"))).toBeUndefined();
});
