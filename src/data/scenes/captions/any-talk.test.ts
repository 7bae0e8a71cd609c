/** @file Adjectives of a style beside each other: no pair is a password. */

import { expect, test } from "vitest";
import { dice } from "../dice.ts";
import { mannerOr } from "./any-talk.ts";
import { STYLE_WORDS } from "./lexicon.ts";

const told = (style: keyof typeof STYLE_WORDS) =>
  Array.from({ length: 4000 }, (_, seed) => mannerOr(dice(seed, "caption"), STYLE_WORDS[style]));

test("any two adjectives of a style stand together, in both orders, joined in any way", () => {
  for (const style of ["long", "wavy", "short", "tousled"] as const) {
    const joined = STYLE_WORDS[style].joined!;
    const found = new Set<string>();
    for (const manner of told(style)) {
      for (const joining of [" and ", " but ", " yet ", " though "]) {
        const [one, other] = manner.split(joining);
        const second = joined.find((word) => other === word || other?.startsWith(`${word} `));
        if (joined.includes(one!) && second) found.add(`${one}${joining}${second}`);
      }
    }
    expect(found.size).toBe(4 * 4 * 3);
  }
});

test("a style of one adjective is told by it, and at times by words that mean nothing beside it", () => {
  const manners = told("buns");
  expect(manners.every((manner) => manner.startsWith("bunned"))).toBe(true);
  const alone = manners.filter((manner) => manner === "bunned").length / manners.length;
  // 0.65 of 4000: four standard deviations are 0.03.
  expect(Math.abs(alone - 0.65)).toBeLessThan(0.03);
});
