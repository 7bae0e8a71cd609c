import fc from "fast-check";
import { expect, test } from "vitest";
import { addDims, type Dim, dimKey, evaluateDim, floorDiv, isName, mulDims, sameDim, size } from "./dim.ts";

const h = size("h");
const w = size("w");

test("sizes print as the arithmetic they stand for", () => {
  expect(dimKey(addDims(mulDims(2, h, w), -3, w))).toMatchInlineSnapshot(`"2*h*w+w-3"`);
  expect(dimKey(floorDiv(addDims(h, 1), 2))).toMatchInlineSnapshot(`"floor((h+1)/2)"`);
  expect(dimKey(mulDims(floorDiv(h, 2), w))).toMatchInlineSnapshot(`"floor((h)/2)*w"`);
});

test("only a size by itself is a name, from which a run can read it", () => {
  expect([h, mulDims(h, 1), addDims(h, w, mulDims(-1, w))].map(isName)).toEqual([true, true, true]);
  const others = [3, mulDims(2, h), mulDims(h, w), mulDims(h, h), addDims(h, 1), addDims(h, w), floorDiv(h, 2)];
  expect(others.filter(isName)).toEqual([]);
});

test("a strided convolution's size has one form however it is written", () => {
  expect(sameDim(addDims(floorDiv(addDims(h, -1), 2), 1), floorDiv(addDims(h, 1), 2))).toBe(true);
  expect(sameDim(floorDiv(mulDims(8, h), 2), mulDims(4, h))).toBe(true);
  expect(sameDim(floorDiv(h, 2), floorDiv(addDims(h, 1), 2))).toBe(false);
});

/** An expression and the number it must evaluate to, grown together. */
const pair: fc.Arbitrary<{ dim: Dim; value: number }> = fc.letrec<{ pair: { dim: Dim; value: number } }>((tie) => ({
  pair: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom({ dim: h as Dim, value: 13 }, { dim: w as Dim, value: 6 }),
    fc.integer({ min: -9, max: 9 }).map((n) => ({ dim: n as Dim, value: n })),
    fc.tuple(tie("pair"), tie("pair")).map(([a, b]) => ({ dim: addDims(a.dim, b.dim), value: a.value + b.value })),
    fc.tuple(tie("pair"), tie("pair")).map(([a, b]) => ({ dim: mulDims(a.dim, b.dim), value: a.value * b.value })),
    fc
      .tuple(tie("pair"), fc.integer({ min: 1, max: 5 }))
      .map(([a, k]) => ({ dim: floorDiv(a.dim, k), value: Math.floor(a.value / k) })),
  ),
})).pair;

test("normal forms keep the value", () => {
  const sizes = new Map([
    ["h", 13],
    ["w", 6],
  ]);
  fc.assert(
    fc.property(pair, ({ dim, value }) => Math.abs(evaluateDim(dim, sizes) - value) === 0),
    { numRuns: 2000 },
  );
});

test("a size without a value is named", () => {
  expect(() => evaluateDim(mulDims(h, 2), new Map())).toThrow("size h has no value in 2*h");
});
