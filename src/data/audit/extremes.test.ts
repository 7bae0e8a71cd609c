/** @file The ends of any values are those of a sort. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { extremeCounter } from "./extremes.ts";
import { type AuditRow, NO_FACTS } from "./row.ts";
import { MEASURES } from "./spread-ranges.ts";

function row(id: number, value: number, sha256: string): AuditRow {
  const origin = { source: `/${id}`, member: null, memberNumber: null, bytes: 1, mtimeMs: 1, repeats: 1 };
  const caption = { caption: null, captionError: null, captionFile: null, captionLine: null };
  const measures = Object.fromEntries(MEASURES.map((name) => [name, value]));
  return { id, ...origin, ...caption, ...NO_FACTS, ...measures, sha256 };
}

test("six at each end, in order, the first of equal values", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 60 }), (values) => {
      const counter = extremeCounter();
      for (const [id, value] of values.entries()) counter.add(row(id, value, String(id)));
      const { lowest, highest } = counter.result().sharpness;
      const rising = values.map((value, id) => ({ value, id }));
      rising.sort((a, b) => a.value - b.value || a.id - b.id);
      const falling = rising.toSorted((a, b) => b.value - a.value || a.id - b.id);
      expect(lowest.map(({ id }) => id)).toEqual(rising.slice(0, 6).map(({ id }) => id));
      expect(highest.map(({ id }) => id)).toEqual(falling.slice(0, 6).map(({ id }) => id));
    }),
  );
});

test("of equal files there is one", () => {
  const counter = extremeCounter();
  for (let id = 0; id < 5; id++) counter.add(row(id, 3, "same"));
  expect(counter.result().contrast.lowest.map(({ id }) => id)).toEqual([0]);
});
