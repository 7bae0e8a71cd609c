/** @file What is stored wider than asked, at the edges of each type, and what is said of it. */

import { expect, test } from "vitest";
import { bytesFromFloat32, float32FromBytes } from "../../base/float-bytes.ts";
import { storableType, widenedWarnings } from "./storable.ts";

test.each([
  ["F16", 65504, "F16"],
  ["F16", -65520, "F32"],
  ["BF16", 3.38e38, "BF16"],
  ["BF16", -3.4e38, "F32"],
  ["F32", 3.4e38, "F32"],
] as const)("asked for %s, a tensor with %s is stored as %s", (asked, value, stored) => {
  const values = Float32Array.of(0, value, 1);
  expect(storableType("w", values, asked)).toBe(stored);
  const back = float32FromBytes(bytesFromFloat32(values, stored), stored);
  expect(Math.abs(back[1]! / value - 1)).toBeLessThan(0.01);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])("%s is refused by its tensor's name", (value) => {
  expect(() => storableType("unet.w", Float32Array.of(1, value), "F32")).toThrow(`unet.w has the value ${value}`);
});

test("the tensors are named, not all of many", () => {
  expect(widenedWarnings([], "F16")).toEqual([]);
  expect(widenedWarnings(["a"], "F16")[0]!.message).toBe(
    "1 tensor has values beyond 65504, the largest of F16, and is stored as F32: a",
  );
  const many = ["a", "b", "c", "d", "e", "f", "g"];
  expect(widenedWarnings(many, "F16")[0]!.message).toMatch(
    /^7 tensors have .* are stored as F32: a, b, c, d, e and 2 more$/,
  );
});
