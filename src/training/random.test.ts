import { expect, test } from "vitest";
import { nextInteger, nextNormals, nextPermutation, nextUniform, randomState } from "./random.ts";

test("the first draw of seed 0 is made of Random123's known answer for a counter and a key of zeros", () => {
  // philox4x32-10, counter 0 0 0 0, key 0 0: 6627e8d5 e169c58d (bc57ac4c 9b00dbd8).
  const bits = (BigInt(0x6627e8d5 >>> 6) << 26n) + BigInt(0xe169c58d >>> 6);
  expect(nextUniform(randomState(0))).toBe((Number(bits) + 0.5) / 2 ** 52);
});

test("a state copied through JSON goes on with the same numbers", () => {
  const state = randomState(2n ** 63n + 12345n, 7);
  nextNormals(state, 5);
  const copy = JSON.parse(JSON.stringify(state));
  expect(nextNormals(copy, 9)).toEqual(nextNormals(state, 9));
  expect([...nextPermutation(copy, 20)]).toEqual([...nextPermutation(state, 20)]);
  expect(copy).toEqual(state);
});

test("seeds, streams and positions beyond 32 bits give other numbers", () => {
  const firsts = [
    randomState(1),
    randomState(1n + 2n ** 32n),
    randomState(2),
    randomState(1, 1),
    randomState(1, 2 ** 32),
    { ...randomState(1), position: 2 ** 32 },
    { ...randomState(1), position: 1 },
  ].map(nextUniform);
  expect(new Set(firsts).size).toBe(firsts.length);
});

test("uniforms fill (0, 1) evenly", () => {
  const state = randomState(3);
  const n = 64_000;
  const counts = new Float64Array(64);
  let [low, high] = [1, 0];
  for (let i = 0; i < n; i++) {
    const u = nextUniform(state);
    low = Math.min(low, u);
    high = Math.max(high, u);
    const bin = Math.floor(u * 64);
    counts[bin] = counts[bin]! + 1;
  }
  expect(low > 0 && high < 1).toBe(true);
  // Chi-square of 63 degrees of freedom: 1 in 10,000 lies above 113.
  expect(counts.reduce((sum, c) => sum + (c - n / 64) ** 2 / (n / 64), 0)).toBeLessThan(113);
});

test("moments of half a million normals, neighbours uncorrelated; an odd count is the even one cut off", () => {
  const n = 2 ** 19;
  const values = nextNormals(randomState(5), n);
  const mean = (f: (v: number, i: number) => number) => values.reduce((sum, v, i) => sum + f(v, i), 0) / n;
  // Four standard errors each: of the mean, the square, the fourth power and a product of two.
  const error = 4 / Math.sqrt(n);
  expect(Math.abs(mean((v) => v))).toBeLessThan(error);
  expect(Math.abs(mean((v) => v ** 2) - 1)).toBeLessThan(error * Math.sqrt(2));
  expect(Math.abs(mean((v) => v ** 4) - 3)).toBeLessThan(error * Math.sqrt(96));
  expect(Math.abs(mean((v, i) => v * values[i ^ 1]!))).toBeLessThan(error * Math.sqrt(2));
  expect([...nextNormals(randomState(5), 3)]).toEqual([...values.subarray(0, 3)]);
});

test("every order of four comes equally often", () => {
  const state = randomState(8);
  const counts = new Map<string, number>();
  const n = 24_000;
  for (let i = 0; i < n; i++) {
    const order = nextPermutation(state, 4).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(24);
  // Chi-square of 23 degrees of freedom: 1 in 10,000 lies above 56.
  expect([...counts.values()].reduce((sum, c) => sum + (c - n / 24) ** 2 / (n / 24), 0)).toBeLessThan(56);
  expect(Math.max(...Array.from({ length: 1000 }, () => nextInteger(state, 7)))).toBe(6);
});
