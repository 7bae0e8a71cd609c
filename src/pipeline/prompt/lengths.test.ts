import { expect, test } from "vitest";
import { type Context, matchLengths } from "./lengths.ts";

const WIDTH = 4;
const context = (tokens: number, seed: number): Context => ({
  states: Float32Array.from({ length: tokens * WIDTH }, (_, i) => Math.sin(seed + i * 1.7)),
  tokens,
  width: WIDTH,
  pooled: Float32Array.of(seed),
});

/** Cross-attention of one query over the states, which serve as keys and as values. */
function attend(query: readonly number[], { states, tokens }: Context): number[] {
  const row = (t: number) => [...states.subarray(t * WIDTH, (t + 1) * WIDTH)];
  const scores = Array.from({ length: tokens }, (_, t) =>
    Math.exp(row(t).reduce((sum, v, i) => sum + v * query[i]!, 0)),
  );
  const total = scores.reduce((a, b) => a + b);
  return query.map((_, i) => scores.reduce((sum, score, t) => sum + (score / total) * row(t)[i]!, 0));
}

const query = [0.3, -1.2, 0.8, 2];
const three = context(231, 1);
const two = context(154, 5);
const one = context(77, 9);

test("repeated contexts have one length, and attention reads the same from them", () => {
  const matched = matchLengths([three, two]);
  expect(matched.map(({ tokens }) => tokens)).toEqual([462, 462]);
  for (const [i, original] of [three, two].entries()) {
    expect(matched[i]!.pooled).toBe(original.pooled);
    expect(matched[i]!.states.length).toBe(462 * WIDTH);
    const expected = attend(query, original);
    // Sums in float64 over twice or three times the terms.
    for (const [k, value] of attend(query, matched[i]!).entries()) expect(value).toBeCloseTo(expected[k]!, 12);
  }
});

test("repeating stops where separate runs are cheaper", () => {
  expect(matchLengths([one, context(77 * 4, 2)]).map(({ tokens }) => tokens)).toEqual([308, 308]);
  const far = [one, context(77 * 5, 2)];
  expect(matchLengths(far)).toEqual(far);
});

test("already equal: as they are", () => {
  expect(matchLengths([one, context(77, 4)])[0]).toBe(one);
  expect(matchLengths([])).toEqual([]);
});
