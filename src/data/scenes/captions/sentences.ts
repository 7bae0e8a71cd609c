/** @file Captions as one to four sentences, each grammar another way to say who is where. All stay within one chunk of 75 tokens. */

import type { Dice } from "../dice.ts";
import type { Background, Girl } from "../scene.ts";
import { type Grammar, grammar } from "./grammar.ts";
import { EYE_WORDS, HAIR_WORDS, STYLE_WORDS } from "./lexicon.ts";
import { backdrop, capital, doing, dress, eyes, hair, mouth, side, styledHair, word } from "./phrases.ts";

/** How often the background is told. */
const PLACED = 0.7;

const maybe = (d: Dice, probability: number, text: () => string): string => (d.chance(probability) ? text() : "");

/** " in front of a plain white background", or nothing. */
const before = (d: Dice, background: Background) => maybe(d, PLACED, () => ` in front of ${backdrop(d, background)}`);
const behind = (d: Dice, background: Background) =>
  maybe(d, PLACED, () => ` Behind ${d.pick(["them", "the girls"])}: ${backdrop(d, background)}.`);

/** "red hair and black eyes, in a white dress" */
function looks(d: Dice, girl: Girl): string {
  return `${styledHair(d, girl, 0.4)} and ${eyes(d, girl)}${maybe(d, 0.35, () => `, in ${dress(d, girl)}`)}`;
}

/** "Her hair is deep red, tied in two tails. Her eyes are black." */
function ofHers(d: Dice, girl: Girl): string {
  const style = maybe(d, 0.4, () => `, ${d.pick(STYLE_WORDS[girl.style].after)}`);
  return `Her hair is ${word(d, HAIR_WORDS[girl.hair])}${style}. Her eyes are ${word(d, EYE_WORDS[girl.eyes])}.`;
}

function none(d: Dice, background: Background): string {
  if (background.kind === "plain" && d.chance(0.5)) {
    return d.pick([
      `empty ${background.colour} background`,
      `an empty ${background.colour} background`,
      `nothing but ${background.colour}`,
    ]);
  }
  const what = backdrop(d, background);
  return d.pick([
    `${capital(what)}, and nobody there.`,
    `There is nobody in the image, only ${what}.`,
    `An empty scene: ${what}.`,
    `${capital(what)} without anyone.`,
  ]);
}

export const SENTENCE_GRAMMARS: readonly Grammar[] = [
  // The article's own prompt, grammar and all.
  grammar("article", "sentences", true, {
    none,
    one: (d, girl, background) =>
      `There is one girl in the image. The girl is ${hair(d, girl)} with ${eyes(d, girl)}${before(d, background)}`,
    two: (d, left, right, background) => {
      const [l, r] = d.chance(0.6) ? ["in the left", "in the right"] : [side(d, "left"), side(d, "right")];
      const behindThem = maybe(d, 0.4, () => `. The background is ${backdrop(d, background)}`);
      return (
        `There are two girls in the image. The girl ${l} is ${hair(d, left)} with ${eyes(d, left)}. ` +
        `The girl ${r} is ${hair(d, right)}, and ${eyes(d, right)}${behindThem}`
      );
    },
  }),
  grammar("ones", "sentences", true, {
    none,
    one: (d, girl, background) => `a girl with ${looks(d, girl)}${before(d, background)}`,
    two: (d, left, right, background) => {
      const told = d.chance(0.6) ? looks : hair;
      return `two girls, the left one with ${told(d, left)}, the right one with ${told(d, right)}${maybe(d, PLACED, () => `, in front of ${backdrop(d, background)}`)}`;
    },
  }),
  grammar("side by side", "sentences", true, {
    none,
    one: (d, girl, background) =>
      `A girl stands${before(d, background) || " alone"}. She has ${styledHair(d, girl)} and ${eyes(d, girl)}, and wears ${dress(d, girl)}.${maybe(d, 0.4, () => ` She is ${doing(d, girl)}.`)}`,
    two: (d, left, right, background) =>
      `Two girls stand side by side${before(d, background)}. The left girl has ${looks(d, left)}. The right girl has ${looks(d, right)}.`,
  }),
  grammar("right first", "sentences", true, {
    none,
    one: (d, girl, background) =>
      `${maybe(d, PLACED, () => `${capital(backdrop(d, background))} and a`) || "A"} girl. Her eyes are ${word(d, EYE_WORDS[girl.eyes])}, her hair is ${word(d, HAIR_WORDS[girl.hair])}.`,
    two: (d, left, right, background) =>
      `${capital(side(d, "right"))} is a girl with ${looks(d, right)}; ${side(d, "left")} is a girl with ${looks(d, left)}.${behind(d, background)}`,
  }),
  grammar("place first", "sentences", true, {
    none,
    one: (d, girl, background) =>
      `In front of ${backdrop(d, background)}, a girl with ${styledHair(d, girl)} and ${eyes(d, girl)} is ${doing(d, girl)}.`,
    two: (d, left, right, background) => {
      const girls = [
        `a girl with ${styledHair(d, left, 0.4)} and ${eyes(d, left)} stands ${side(d, "left")}`,
        `a girl with ${styledHair(d, right, 0.4)} and ${eyes(d, right)} stands ${side(d, "right")}`,
      ];
      return `In front of ${backdrop(d, background)}, ${(d.chance(0.3) ? girls.reverse() : girls).join(" and ")}.`;
    },
  }),
  grammar("next to", "sentences", true, {
    none,
    one: (d, girl, background) =>
      `${capital(styledHair(d, girl))}, ${eyes(d, girl)} and ${mouth(d, girl)}: a girl${before(d, background)}.`,
    two: (d, left, right, background) =>
      d.chance(0.5)
        ? `A girl with ${styledHair(d, left, 0.3)} and ${eyes(d, left)} is to the left of a girl with ${looks(d, right)}.${behind(d, background)}`
        : `A girl with ${styledHair(d, right, 0.3)} and ${eyes(d, right)} is to the right of a girl with ${looks(d, left)}.${behind(d, background)}`,
  }),
  grammar("possessive", "sentences", true, {
    none,
    one: (d, girl, background) =>
      `The girl's hair is ${word(d, HAIR_WORDS[girl.hair])} and her eyes are ${word(d, EYE_WORDS[girl.eyes])}.${maybe(d, 0.5, () => ` Her dress: ${dress(d, girl)}.`)}${maybe(d, PLACED, () => ` Behind her: ${backdrop(d, background)}.`)}`,
    two: (d, left, right, background) => {
      const colours = (girl: Girl) =>
        `hair is ${word(d, HAIR_WORDS[girl.hair])} and her eyes are ${word(d, EYE_WORDS[girl.eyes])}`;
      return `The left girl's ${colours(left)}. The right girl's ${colours(right)}.${behind(d, background)}`;
    },
  }),
  grammar("grouped", "sentences", true, {
    none,
    one: (d, girl, background) =>
      `One girl: ${hair(d, girl)}, ${eyes(d, girl)}, ${dress(d, girl)}, ${backdrop(d, background)}.`,
    two: (d, left, right, background) =>
      `Two girls: ${hair(d, left)} on the left and ${hair(d, right)} on the right, ${eyes(d, left)} on the left and ${eyes(d, right)} on the right${maybe(d, PLACED, () => `, and ${backdrop(d, background)} behind them`)}.`,
  }),
  grammar("predicate", "sentences", true, {
    none,
    one: (d, girl, background) => `One girl${before(d, background)}. ${ofHers(d, girl)}`,
    two: (d, left, right, background) =>
      `Two girls${before(d, background)}. A girl is ${side(d, "left")}. ${ofHers(d, left)} The other is ${side(d, "right")}. ${ofHers(d, right)}`,
  }),
  // From here on never trained.
  grammar("halves", "sentences", false, {
    none,
    one: (d, girl, background) =>
      `The picture shows a girl whose ${hair(d, girl)} and ${eyes(d, girl)} stand out before ${backdrop(d, background)}.`,
    two: (d, left, right, background) =>
      `In the left half of the picture there is a girl who has ${hair(d, left)} and ${eyes(d, left)}, in the right half one who has ${hair(d, right)} and ${eyes(d, right)}. ${capital(backdrop(d, background))} can be seen behind them.`,
  }),
  grammar("while", "sentences", false, {
    none,
    one: (d, girl, background) =>
      `With ${eyes(d, girl)} and ${hair(d, girl)}, she wears ${dress(d, girl)} before ${backdrop(d, background)}.`,
    two: (d, left, right, background) =>
      `While the girl at the left of the image wears ${dress(d, left)} and has ${eyes(d, left)} under ${hair(d, left)}, the one at the right has ${eyes(d, right)} under ${hair(d, right)}; ${backdrop(d, background)}.`,
  }),
];
