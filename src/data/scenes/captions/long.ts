/**
 * @file Captions of 300 CLIP tokens and more, as a language model writes them: every fact in a sentence of its own, much that is no fact
 * between them. The order in which girls, sides and facts come differs from grammar to grammar.
 */

import type { Dice } from "../dice.ts";
import type { Background, Girl } from "../scene.ts";
import { mannerOr, OF_NOBODY, shadeOr, withAnySentences } from "./any-talk.ts";
import { fill, type Grammar, grammar, type Telling } from "./grammar.ts";
import { HAIR_WORDS, STYLE_WORDS } from "./lexicon.ts";
import * as pools from "./long-pools.ts";
import { backdrop, dress, eyes, mouth, side, styledHair, word } from "./phrases.ts";

export const LONG_TOKENS = 300;

/** A training caption's length is even between that and this: models should not learn that all end alike. */
const LONGEST = 420;

export const anyLength = (d: Dice) => d.between(LONG_TOKENS, LONGEST);

/** Never more than CLIP's tokens: each of these pieces is at least one. */
export function leastTokens(text: string): number {
  return text.match(/'(?:s|t|re|ve|m|ll|d)|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/giu)?.length ?? 0;
}

/** Sentences in an order of the dice's, each once, then from the start again. */
export function deck(d: Dice, pool: readonly string[]): () => string {
  let left: string[] = [];
  return () => {
    if (left.length === 0) left = d.shuffled(pool);
    return left.pop()!;
  };
}

/** Puts sentences from `more` in until the text has `length` tokens: `at` is the paragraph that they join. */
export function lengthened(
  paragraphs: readonly string[],
  at: number,
  more: () => string,
  length: number = LONG_TOKENS,
): string {
  const out = [...paragraphs];
  while (leastTokens(out.join(" ")) < length) out[at] = `${out[at]} ${more()}`.trim();
  return out.filter((paragraph) => paragraph !== "").join(" ");
}

type Words = Readonly<Record<string, () => string>>;

/** What a template may ask for on one girl; `girl` is how she is named. */
function wordsOf(d: Dice, girl: Girl, named: string): Words {
  return {
    girl: () => named,
    hair: () => styledHair(d, girl, 0.75),
    haircolour: () => word(d, HAIR_WORDS[girl.hair]),
    style: () => d.pick(STYLE_WORDS[girl.style].after),
    manner: () => mannerOr(d, STYLE_WORDS[girl.style]),
    shade: () => shadeOr(d, pools.SHADES),
    eyes: () => eyes(d, girl),
    dress: () => dress(d, girl, 0.6),
    mouth: () => mouth(d, girl),
  };
}

const NAMES = (d: Dice, which: "left" | "right") =>
  d.pick([`the girl ${side(d, which)}`, `the girl ${side(d, which)}`, `the ${which} girl`]);

/** Her facts in sentences: hair first, the others in any order, now and then one left out. */
function facts(d: Dice, girl: Girl, named: string): string[] {
  const words = wordsOf(d, girl, named);
  const others = [
    fill(d.pick(pools.EYE_SENTENCES), words),
    ...(d.chance(0.7) ? [fill(d.pick(pools.DRESS_SENTENCES), words)] : []),
    ...(d.chance(0.6) ? [fill(d.pick(pools.MOUTH_SENTENCES), words)] : []),
  ];
  return [fill(d.pick(pools.HAIR_SENTENCES), words), ...(d.chance(0.6) ? others : d.shuffled(others))];
}

const placed = (d: Dice, background: Background) =>
  fill(d.pick(pools.PLACE_SENTENCES), { place: () => backdrop(d, background) });

export function emptyLong(d: Dice, background: Background): string {
  const opening = fill(d.pick(pools.EMPTY_OPENINGS), { place: () => backdrop(d, background) });
  const ending =
    background.kind === "plain" ? `It is an empty ${background.colour} background.` : placed(d, background);
  return lengthened(
    [opening, "", ending],
    1,
    withAnySentences(d, deck(d, pools.EMPTY_SENTENCES), OF_NOBODY),
    anyLength(d),
  );
}

function oneLong(d: Dice, girl: Girl, background: Background, order: "girl first" | "place first"): string {
  const about = [
    ...facts(d, girl, d.pick(["the girl", "this girl"])),
    ...d.shuffled(pools.MOOD_SENTENCES).slice(0, 3),
  ].join(" ");
  const place = placed(d, background);
  const opening = d.pick(pools.ONE_OPENINGS);
  const paragraphs = order === "girl first" ? [opening, about, place, ""] : [place, opening, about, ""];
  return lengthened(paragraphs, 3, withAnySentences(d, deck(d, pools.DRAWING_SENTENCES)), anyLength(d));
}

const telling = (order: "girl first" | "place first", two: Telling["two"]): Telling => ({
  none: emptyLong,
  one: (d, girl, background) => oneLong(d, girl, background, order),
  two,
});

/** A girl's paragraph: facts, then a few words on how she seems. */
function paragraph(d: Dice, girl: Girl, which: "left" | "right", mood: () => string): string {
  const sentences = facts(d, girl, NAMES(d, which));
  const moods = [mood(), mood()];
  // Talk between the facts, or after them.
  return (d.chance(0.5) ? [...sentences, ...moods] : [sentences[0]!, moods[0]!, ...sentences.slice(1), moods[1]!]).join(
    " ",
  );
}

export const LONG_GRAMMARS: readonly Grammar[] = [
  grammar(
    "left to right",
    "long",
    true,
    telling("girl first", (d, left, right, background) => {
      const mood = deck(d, pools.MOOD_SENTENCES);
      const closing = d.shuffled(pools.TWO_CLOSINGS).slice(0, 2).join(" ");
      const beside = d.chance(0.4) ? "Beside her stands another. " : "";
      return lengthened(
        [
          d.pick(pools.TWO_OPENINGS),
          paragraph(d, left, "left", mood),
          beside + paragraph(d, right, "right", mood),
          placed(d, background),
          closing,
        ],
        3,
        withAnySentences(d, deck(d, pools.DRAWING_SENTENCES)),
        anyLength(d),
      );
    }),
  ),
  grammar(
    "right to left",
    "long",
    true,
    telling("place first", (d, left, right, background) => {
      const mood = deck(d, pools.MOOD_SENTENCES);
      return lengthened(
        [
          placed(d, background),
          d.pick(pools.TWO_OPENINGS),
          paragraph(d, right, "right", mood),
          paragraph(d, left, "left", mood),
          d.pick(pools.TWO_CLOSINGS),
        ],
        4,
        withAnySentences(d, deck(d, pools.DRAWING_SENTENCES)),
        anyLength(d),
      );
    }),
  ),
  grammar(
    "fact by fact",
    "long",
    true,
    telling("girl first", (d, left, right, background) => {
      const [l, r] = [wordsOf(d, left, ""), wordsOf(d, right, "")];
      const both = (template: string) => fill(template, { l: l[topic]!, r: r[topic]! });
      let topic = "hair";
      const hairs = both(
        d.pick([
          "Look at the hair first. On the left there is {l}, on the right there is {r}.",
          "On the left one sees {l}, and on the right one sees {r}.",
          "The girl on the left has {l}, while the girl on the right has {r}.",
        ]),
      );
      topic = "eyes";
      const gazes = both(
        d.pick([
          "The left girl has {l}, the right girl has {r}.",
          "Their eyes differ as well: {l} on the left, {r} on the right.",
        ]),
      );
      topic = "dress";
      const clothes = both(
        d.pick(["The left girl wears {l}, the right girl {r}.", "On the left there is {l}, on the right {r}."]),
      );
      topic = "mouth";
      const mouths = both("The one on the left has {l}, the one on the right has {r}.");
      return lengthened(
        [
          d.pick(pools.TWO_OPENINGS),
          hairs,
          gazes,
          `${clothes} ${mouths}`,
          placed(d, background),
          "",
          d.shuffled(pools.TWO_CLOSINGS).slice(0, 3).join(" "),
        ],
        5,
        withAnySentences(d, deck(d, pools.DRAWING_SENTENCES)),
        anyLength(d),
      );
    }),
  ),
  grammar(
    "talk first",
    "long",
    true,
    telling("place first", (d, left, right, background) => {
      // The facts come last, behind a chunk or two of other words.
      const mood = deck(d, pools.MOOD_SENTENCES);
      const girls = [paragraph(d, left, "left", mood), paragraph(d, right, "right", mood)];
      return lengthened(
        [
          d.pick(pools.TWO_OPENINGS),
          d.shuffled(pools.TWO_CLOSINGS).slice(0, 3).join(" "),
          placed(d, background),
          ...(d.chance(0.3) ? girls.reverse() : girls),
        ],
        1,
        withAnySentences(d, deck(d, pools.DRAWING_SENTENCES)),
        anyLength(d),
      );
    }),
  ),
];
