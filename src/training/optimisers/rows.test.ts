import fc from "fast-check";
import { expect, test } from "vitest";
import { adamWRowState, adamWRowStep } from "./adamw.ts";
import { sumByRow } from "./rows.ts";

test("lookups of one row are added, and rows come in order", () => {
  const found = sumByRow(Int32Array.of(100, 9, 100, 20), Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), 2);
  expect([...found.rows]).toEqual([9, 20, 100]);
  expect([...found.values]).toEqual([3, 4, 7, 8, 6, 8]);
  expect(sumByRow(new Int32Array(0), new Float32Array(0), 4)).toEqual({
    rows: new Int32Array(0),
    values: new Float32Array(0),
  });
});

test("the sums are those of a whole table's gradient", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(12), fc.integer({ min: -99, max: 99 })), { maxLength: 40 }), (lookups) => {
      const table = new Float32Array(13);
      for (const [id, g] of lookups) table[id] = table[id]! + g;
      const ids = Int32Array.from(lookups, ([id]) => id);
      const { rows, values } = sumByRow(
        ids,
        Float32Array.from(lookups, ([, g]) => g),
        1,
      );
      expect([...rows]).toEqual([...new Set(ids)].sort((a, b) => a - b));
      rows.forEach((row, i) => {
        expect(values[i]).toBe(table[row]);
      });
    }),
  );
});

test.each([
  ["beyond the table", [1, 4]],
  ["negative", [-1, 2]],
  ["twice", [2, 2]],
  ["falling", [3, 1]],
])("rows that are %s are refused before anything moves", (_, rows) => {
  const [values, state] = [new Float32Array(8), adamWRowState(4, 2)];
  const used = { rows: Int32Array.from(rows), values: new Float32Array(4).fill(1) };
  expect(() => adamWRowStep(values, used, state, 1)).toThrow("of a table of 4 x 2");
  expect(values).toEqual(new Float32Array(8));
});

test("gradients that do not fit their rows are refused", () => {
  expect(() => sumByRow(Int32Array.of(1, 2), new Float32Array(5), 2)).toThrow("5 gradients for 2 rows of 2");
});
