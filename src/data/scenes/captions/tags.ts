/** @file Captions as tags, in danbooru's words and order: count first, then hair, eyes, dress, mouth, background. */

import type { Dice } from "../dice.ts";
import type { Background, Girl } from "../scene.ts";
import { type Grammar, grammar } from "./grammar.ts";
import { DRESS_WORDS, EYE_WORDS, HAIR_WORDS, MOUTH_WORDS, PLACE_WORDS, STYLE_WORDS, TRIM_WORDS } from "./lexicon.ts";
import { word } from "./phrases.ts";

/** How often each fact is told; the hair always is. */
const TOLD = { eyes: 0.85, style: 0.65, dress: 0.65, trim: 0.3, mouth: 0.45, background: 0.85 };

/** How often a tag is the article's word for the colour rather than danbooru's. */
const POETIC = 0.15;

function girlTags(d: Dice, girl: Girl): string[] {
  const colour = (words: readonly string[]) => (d.chance(POETIC) ? word(d, words) : words[0]!);
  const tags = [`${colour(HAIR_WORDS[girl.hair])} hair`];
  if (d.chance(TOLD.style)) tags.push(STYLE_WORDS[girl.style].tag);
  if (d.chance(TOLD.eyes)) tags.push(`${colour(EYE_WORDS[girl.eyes])} eyes`);
  if (d.chance(TOLD.dress)) tags.push(`${colour(DRESS_WORDS[girl.dress])} dress`);
  if (girl.trim !== "plain" && d.chance(TOLD.trim)) tags.push(`${TRIM_WORDS[girl.trim][0]} trim`);
  if (d.chance(TOLD.mouth)) tags.push(MOUTH_WORDS[girl.mouth].tag);
  return tags;
}

export function backgroundTags(background: Background): string[] {
  switch (background.kind) {
    case "plain":
      return ["simple background", `${background.colour} background`];
    case "gradient":
      return ["gradient background", `${background.top} and ${background.bottom} background`];
    case "place":
      return [PLACE_WORDS[background.place].tag];
  }
}

function told(d: Dice, background: Background): string[] {
  return d.chance(TOLD.background) ? backgroundTags(background) : [];
}

const joined = (tags: readonly string[]) => [...new Set(tags)].join(", ");

function none(d: Dice, background: Background): string {
  const tags = ["no humans", ...backgroundTags(background)];
  if (background.kind === "plain") {
    return d.chance(0.7) ? `empty ${background.colour} background` : joined(d.shuffled(tags));
  }
  if (background.kind === "gradient") return joined(d.chance(0.5) ? ["empty", ...tags] : tags);
  return joined([...tags, ...(d.chance(0.5) ? ["scenery"] : []), ...(d.chance(0.3) ? ["empty"] : [])]);
}

export const TAG_GRAMMARS: readonly Grammar[] = [
  // In order, as taggers write them. Of two girls it does not say which is which.
  grammar("tags", "tags", true, {
    none,
    one: (d, girl, background) => joined(["1girl", "solo", ...girlTags(d, girl), ...told(d, background)]),
    two: (d, left, right, background) =>
      joined(["2girls", ...d.shuffled([...girlTags(d, left), ...girlTags(d, right)]), ...told(d, background)]),
  }),
  grammar("shuffled tags", "tags", true, {
    none,
    one: (d, girl, background) =>
      joined(["1girl", ...d.shuffled(["solo", ...girlTags(d, girl), ...told(d, background)])]),
    two: (d, left, right, background) =>
      joined([
        "2girls",
        ...d.shuffled(["multiple girls", ...girlTags(d, left), ...girlTags(d, right), ...told(d, background)]),
      ]),
  }),
  // A place for each girl, and her tags behind it.
  grammar("tags by side", "tags", true, {
    none,
    one: (d, girl, background) => joined(["1girl", ...told(d, background), ...girlTags(d, girl)]),
    two: (d, left, right, background) => {
      const sides = [
        ["girl on the left", ...girlTags(d, left)].join(", "),
        ["girl on the right", ...girlTags(d, right)].join(", "),
      ];
      return ["2girls", ...(d.chance(0.3) ? sides.reverse() : sides), ...told(d, background)].join(", ");
    },
  }),
];
