import { expect, test } from "vitest";
import { changesBetween, nearestName } from "./nearest-name.ts";

const names = ["min_snr_gamma", "max_train_steps", "seed", "unet_lr"];

test.each([
  ["min_snr_gama", "min_snr_gamma"],
  ["minSnrGamma", "min_snr_gamma"],
  ["Seed", "seed"],
  ["unet_learning_rate_of_all", undefined],
  ["", undefined],
])("%s was meant to be %s", (typed, meant) => {
  expect(nearestName(typed, names)).toBe(meant);
});

test("nothing is near where nothing is known", () => {
  expect(nearestName("seed", [])).toBe(undefined);
});

test("each kind of slip is one change, and a third of the letters may be wrong", () => {
  for (const slip of ["abcdefg", "abcef", "abxdef", "bacdef"]) expect(nearestName(slip, ["abcdef"])).toBe("abcdef");
  expect(nearestName("abxyef", ["abcdef"])).toBe("abcdef");
  expect(nearestName("axyzef", ["abcdef"])).toBeUndefined();
  // A megabyte of letters is answered at once.
  expect(nearestName("a".repeat(1e6), ["a"])).toBeUndefined();
});

test("distances of words known from the literature", () => {
  expect(changesBetween("kitten", "sitting")).toBe(3);
  expect(changesBetween("saturday", "sunday")).toBe(3);
  expect(changesBetween("", "abc")).toBe(3);
  // Exchanged neighbours are one change (Damerau).
  expect(changesBetween("ab", "ba")).toBe(1);
});
