import { expect, test } from "vitest";
import { splitAnd } from "./composition.ts";

test.each([
  ["a cat", [["a cat", 1]]],
  [
    "a cat AND a dog",
    [
      ["a cat", 1],
      [" a dog", 1],
    ],
  ],
  [
    "a cat :1.2 AND a dog:.8 AND a penguin :2.",
    [
      ["a cat", 1.2],
      [" a dog", 0.8],
      [" a penguin", 2],
    ],
  ],
  [
    "a cat :-1 AND b",
    [
      ["a cat", -1],
      [" b", 1],
    ],
  ],
  [
    "(a cat:1.2) AND b",
    [
      ["(a cat:1.2)", 1],
      [" b", 1],
    ],
  ],
  ["SAND AND_ BAND éAND", [["SAND AND_ BAND éAND", 1]]],
  ["a ratio of 16:9", [["a ratio of 16:9", 1]]],
  [
    "AND",
    [
      ["", 1],
      ["", 1],
    ],
  ],
])("%s", (prompt, parts) => {
  expect(splitAnd(prompt).map(({ text, weight }) => [text, weight])).toEqual(parts);
});
