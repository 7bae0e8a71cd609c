/** @file What long captions without a skeleton have in common: the words that a template may ask for on a girl, and talk strewn in. */

import type { Dice } from "../dice.ts";
import type { Girl } from "../scene.ts";
import { mannerOr, shadeOr, simileOr } from "./any-talk.ts";
import { DRESS_WORDS, EYE_WORDS, HAIR_WORDS, STYLE_WORDS } from "./lexicon.ts";
import { anyLength, deck, leastTokens } from "./long.ts";
import { DRAWING_SENTENCES, TALK } from "./long-pools.ts";
import { doing, dress, eyes, hair, mouth, side, styledHair, word } from "./phrases.ts";

export type Side = "left" | "right";

export type GirlWords = Readonly<Record<string, () => string>>;

/** Figures of speech of one kind of text. */
export type Figures = { readonly shades: readonly string[]; readonly similes: readonly string[] };

/** Her place in more words than short captions have. */
const PLACES = (which: Side): readonly string[] => [
  `on the ${which} of the picture`,
  `in the ${which} half`,
  `in the ${which} part of the image`,
  `at the ${which} edge of the scene`,
  `on the ${which}-hand side`,
];

/** @param which her side; `{side}` and `{which}` are empty without one */
export function girlWords(d: Dice, girl: Girl, { shades, similes }: Figures, which?: Side): GirlWords {
  return {
    side: () => (which ? (d.chance(0.3) ? d.pick(PLACES(which)) : side(d, which)) : ""),
    which: () => which ?? "",
    haircolour: () => word(d, HAIR_WORDS[girl.hair]),
    eyecolour: () => word(d, EYE_WORDS[girl.eyes]),
    dresscolour: () => word(d, DRESS_WORDS[girl.dress]),
    style: () => d.pick(STYLE_WORDS[girl.style].after),
    manner: () => mannerOr(d, STYLE_WORDS[girl.style]),
    hair: () => (d.chance(0.5) ? styledHair(d, girl, 1) : hair(d, girl)),
    eyes: () => eyes(d, girl),
    dress: () => dress(d, girl, 0.6),
    mouth: () => mouth(d, girl),
    doing: () => doing(d, girl),
    shade: () => shadeOr(d, shades),
    simile: () => simileOr(d, similes),
  };
}

/** Talk that suits any text, each sentence once until all have been. */
export const anyTalk = (d: Dice): (() => string) => deck(d, [...TALK, ...DRAWING_SENTENCES]);

/** The sentences in their order, and more between any two of them until they are long enough. */
export function strewn(d: Dice, sentences: readonly string[], more: () => string): string {
  const all = [...sentences];
  const length = anyLength(d);
  while (leastTokens(all.join(" ")) < length) all.splice(Math.floor(d.next() * (all.length + 1)), 0, more());
  return all.join(" ");
}
