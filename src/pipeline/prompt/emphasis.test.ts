import { expect, test } from "vitest";
import { applyEmphasis, emphasisFinding, meanRatio } from "./emphasis.ts";

// Two tokens of width 3; the numbers are exact in float32, and so are the results.
const states = Float32Array.of(1, 2, 3, 4, 5, 9);
const empty = Float32Array.of(1, 0, 1, 2, 1, 1);
const weights = Float32Array.of(1, 2);

test.each([
  // Mean 4 becomes 7 (42 / 6), so all is scaled by 4/7.
  { mode: "original", expected: [1, 2, 3, 8, 10, 18].map((v) => (v * 4) / 7) },
  { mode: "no-norm", expected: [1, 2, 3, 8, 10, 18] },
  { mode: "ignore", expected: [1, 2, 3, 4, 5, 9] },
  { mode: "none", expected: [1, 2, 3, 4, 5, 9] },
  { mode: "comfy", expected: [1, 2, 3, 6, 9, 17] },
] as const)("$mode", ({ mode, expected }) => {
  const before = states.slice();
  expect(applyEmphasis(mode, states, weights, 3, empty)).toEqual(Float32Array.from(expected));
  expect(states).toEqual(before);
});

test("weights of one change nothing in any mode, not even a bit", () => {
  const odd = Float32Array.of(0.1, -0.7, 1e-30, 3e30, Math.PI, -0);
  for (const mode of ["original", "no-norm", "ignore", "none", "comfy"] as const)
    expect(applyEmphasis(mode, odd, Float32Array.of(1, 1), 3, empty)).toBe(odd);
});

test("the chunk's mean is restored as a whole, and a mean of zero is left alone", () => {
  const long = Float32Array.from({ length: 77 * 8 }, (_, i) => Math.sin(i) + 0.1);
  const some = Float32Array.from({ length: 77 }, (_, i) => (i % 5 === 0 ? 1.4 : 1));
  const mean = (values: Float32Array) => values.reduce((a, b) => a + b, 0) / values.length;
  // 616 values of about 1, each rounded to float32.
  expect(mean(applyEmphasis("original", long, some, 8))).toBeCloseTo(mean(long), 7);
  const balanced = Float32Array.of(1, -1);
  expect(applyEmphasis("original", balanced, Float32Array.of(2, 2), 1)).toEqual(Float32Array.of(2, -2));
});

test("shapes that do not fit are our own mistake", () => {
  expect(() => applyEmphasis("original", states, weights, 4)).toThrow("internal: emphasis: 6 values are not 2 tokens");
  expect(() => applyEmphasis("comfy", states, weights, 3)).toThrow(
    "internal: emphasis: undefined values of the empty prompt",
  );
});

test("the ratio of the means is what the mode scales by", () => {
  // (1 + 2 + 3 + 4 + 5 + 9) / (1 + 2 + 3 + 8 + 10 + 18)
  expect(meanRatio(states, weights, 3)).toBeCloseTo(24 / 42, 12);
  expect(meanRatio(states, Float32Array.of(1, 1), 3)).toBe(1);
  expect(meanRatio(Float32Array.of(1, -1), Float32Array.of(2, 2), 1)).toBeNaN();
  expect(meanRatio(Float32Array.of(3, -1), Float32Array.of(1, 4), 1)).toBe(-2);
});

test.each([
  { ratios: [1, 0.8, 1.25], says: undefined },
  { ratios: [1, 1.26], says: "multiplies every token by 1.26" },
  { ratios: [0.79, 1.2], says: "multiplies every token by 0.79" },
  // 1 / 5 is farther from 1 than 4.5 is.
  { ratios: [4.5, 0.2], says: "multiplies every token by 0.20" },
  { ratios: [4.5, -0.9], says: "multiplies every token by -0.90" },
  { ratios: [1, Number.NaN], says: "cannot restore the mean" },
  { ratios: [Number.POSITIVE_INFINITY], says: "cannot restore the mean" },
])("ratios $ratios", ({ ratios, says }) => {
  const finding = emphasisFinding("(x:1.5)", ratios);
  if (says === undefined) expect(finding).toBeUndefined();
  else {
    expect(finding!.message).toContain(says);
    expect(finding!.message).toContain('"(x:1.5)"');
    expect(finding!.hint).toContain("--emphasis no-norm");
  }
});
