/** @file Places by key, against a map of lists, while the table grows. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { placeIndex } from "./place-index.ts";

test("places are those of a map of lists, each key's in their order, however often the table has grown", () => {
  const steps = fc.array(fc.record({ key: fc.nat(3000), replaces: fc.boolean() }), {
    minLength: 5000,
    maxLength: 8000,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const index = placeIndex();
      const expected = new Map<string, number[]>();
      for (const [place, { key, replaces }] of all.entries()) {
        const name = `key ${key}`;
        const known = expected.get(name) ?? [];
        const last = replaces ? known.pop() : undefined;
        index.set(name, place, last);
        expected.set(name, [...known, place]);
      }
      for (const [name, places] of expected) expect([...index.at(name)]).toEqual(places);
      expect([...index.at("another")]).toEqual([]);
    }),
    { numRuns: 5 },
  );
});
