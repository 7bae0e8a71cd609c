/** @file Phrases: what the grammars have in common. Each chooses its words with the caption's dice. */

import type { Dice } from "../dice.ts";
import type { Background, Girl } from "../scene.ts";
import {
  DRESS_WORDS,
  EYE_WORDS,
  HAIR_WORDS,
  MOUTH_WORDS,
  PLACE_WORDS,
  PLAIN_WORDS,
  SIDE_WORDS,
  STYLE_WORDS,
  TRIM_WORDS,
} from "./lexicon.ts";

/** How often the tag's own word is taken; the rest is shared by the others. */
const PLAIN_WORD = 0.5;

/** A word of a list whose first is the plain one. */
export function word(d: Dice, words: readonly string[]): string {
  return words.length === 1 || d.chance(PLAIN_WORD) ? words[0]! : d.pick(words.slice(1));
}

/** "deep red hair" */
export const hair = (d: Dice, girl: Girl): string => `${word(d, HAIR_WORDS[girl.hair])} hair`;

/** "long, deep red hair", "deep red hair tied in two tails", or without the style. */
export function styledHair(d: Dice, girl: Girl, chance = 0.6): string {
  const plain = hair(d, girl);
  if (!d.chance(chance)) return plain;
  const { before, after } = STYLE_WORDS[girl.style];
  const tied = girl.style === "twintails" || girl.style === "ponytail" || girl.style === "buns";
  return tied || d.chance(0.4) ? `${plain} ${d.pick(after)}` : `${d.pick(before)} ${plain}`;
}

/** "sea-black eyes" */
export const eyes = (d: Dice, girl: Girl): string => `${word(d, EYE_WORDS[girl.eyes])} eyes`;

/** "a navy dress with silver trim" */
export function dress(d: Dice, girl: Girl, trimmed = 0.4): string {
  const noun = `${article(word(d, DRESS_WORDS[girl.dress]))} dress`;
  if (girl.trim === "plain" || !d.chance(trimmed)) return noun;
  return `${noun} with ${word(d, TRIM_WORDS[girl.trim])} ${d.pick(["trim", "ribbons", "embroidery"])}`;
}

export const mouth = (d: Dice, girl: Girl): string => d.pick(MOUTH_WORDS[girl.mouth].has);

export const doing = (d: Dice, girl: Girl): string => d.pick(MOUTH_WORDS[girl.mouth].is);

/** "a plain white background", "a sunset over a vast ocean": what stands behind "in front of". */
export function backdrop(d: Dice, background: Background): string {
  switch (background.kind) {
    case "plain":
      return `${article(word(d, PLAIN_WORDS[background.colour]))} background`;
    case "gradient": {
      const { top, bottom } = background;
      return d.pick([
        `a background that fades from ${top} to ${bottom}`,
        `a gradient from ${top} at the top to ${bottom} at the bottom`,
        `a ${top} and ${bottom} gradient background`,
      ]);
    }
    case "place":
      return d.pick(PLACE_WORDS[background.place].nouns);
  }
}

/** "on the left" */
export const side = (d: Dice, which: "left" | "right"): string => d.pick(SIDE_WORDS[which]);

/** A word with its article: "an orange", "a red". */
export function article(phrase: string): string {
  return `${/^[aeiou]/.test(phrase) ? "an" : "a"} ${phrase}`;
}

export function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

/** "x", "x and y", "x, y and z" */
export function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}
