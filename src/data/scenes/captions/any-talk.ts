/**
 * @file Sentences of any words at all. Prompts have words that no pool of sentences has, and a text encoder takes what it has never met for
 * something: only a model that has met many words which mean nothing for the picture learns to pass over them.
 */

import { readFileSync } from "node:fs";
import type { Dice } from "../dice.ts";
import { fill } from "./grammar.ts";

/** English words, a token each, without those that tell something of a scene (`assets/README.md`). */
const ASSET = new URL("../../../../assets/english-words.txt", import.meta.url);

let words: readonly string[] | undefined;

/** Read when first asked for: most of the program writes no captions. */
function anyWord(d: Dice): string {
  words ??= readFileSync(ASSET, "utf8").trim().split("\n");
  return d.pick(words);
}

const SENTENCES: readonly string[] = [
  "The {any} of the {any} {any} {any}.",
  "{Any} the {any}, {any} {any}.",
  "There is {any} {any} in the {any} {any}.",
  "It {any} with {any}, {any} or {any}.",
  "{Any}, {any}, {any}: {any} {any}.",
  "Her {any} {any} {any} the {any}.",
  "They {any} {any}, like {any} and {any}.",
  "{Any} {any} to {any} the {any} {any}.",
  "As if {any} by {any}, her {any} {any} a {any} {any}.",
  "Perhaps a {any}, {any} {any}, or {any} {any} that {any}.",
  "An {any} {any} - {any}, {any} - of {any} {any}.",
  "In {any}, {any} {any} and {any} {any} {any} {any}.",
];

/** For pictures with nobody in them. */
export const OF_NOBODY = SENTENCES.filter((sentence) => !/\b(?:her|they)\b/i.test(sentence));

/** How often a sentence, a simile or a shade of a pool gives way to any words. */
const ANY = 0.35;

/** Sentences from `more`, some of them of any words. */
export const withAnySentences =
  (d: Dice, more: () => string, sentences: readonly string[] = SENTENCES): (() => string) =>
  () =>
    d.chance(ANY) ? fill(d.pick(sentences), { any: () => anyWord(d) }) : more();

/** "like frost on glass", or two words that mean nothing here. */
export const simileOr = (d: Dice, similes: readonly string[]): string =>
  d.chance(ANY) ? `${d.pick(["like", "as if by", "with", "and its"])} ${anyWord(d)} ${anyWord(d)}` : d.pick(similes);

/** "lovely" or any word, before "shade of". */
export const shadeOr = (d: Dice, shades: readonly string[]): string => (d.chance(ANY) ? anyWord(d) : d.pick(shades));

const JOINING = ["and", "but", "yet", "though"] as const;

/** How often two adjectives stand for a style rather than one. */
const JOINED = 0.35;

/** "short", "short yet tousled", or either of them with words that mean nothing here. */
export function mannerOr(
  d: Dice,
  { before, joined }: { before: readonly string[]; joined?: readonly string[] },
): string {
  const manner =
    joined && d.chance(JOINED)
      ? d
          .shuffled(joined)
          .slice(0, 2)
          .join(` ${d.pick(JOINING)} `)
      : d.pick(before);
  if (!d.chance(ANY)) return manner;
  return d.chance(0.5)
    ? `${manner} ${d.pick(JOINING)} ${anyWord(d)}`
    : `${manner} with ${d.pick(["some", "the", "an", "all its", "its"])} ${anyWord(d)} ${anyWord(d)}`;
}
