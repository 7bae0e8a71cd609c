/** @file What a run must still stand on when it goes on. */

import { expect, test } from "vitest";
import { checkFoundation, tellsModel } from "./foundation.ts";

const weights = "0123456789abcdef";

test("other sizes or words are another model; a checkpoint that tells weights alone is compared by these", () => {
  const now = `${weights}-aaaaaaaaaaaaaaaa`;
  for (const foundation of [undefined, weights, now]) {
    expect(() => checkFoundation({ step: 5, foundation }, now)).not.toThrow();
  }
  for (const foundation of [`${weights}-bbbbbbbbbbbbbbbb`, "fedcba9876543210"]) {
    expect(() => checkFoundation({ step: 5, foundation }, now)).toThrow(/step 5 was learnt on another model/);
  }
  expect([undefined, weights, now].map(tellsModel)).toEqual([false, false, true]);
});
