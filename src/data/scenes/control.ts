/** @file Control tokens of scenes: measured on their pixels, by cuts fitted to the set itself. */

import type { Seed } from "../../base/random/seed.ts";
import {
  CONTROL_FAMILIES,
  CONTROL_FAMILY_NAMES,
  type ControlThresholds,
  type ControlToken,
  measureColours,
  type Pixels,
  tokensOf,
} from "../../colour/index.ts";
import { appended } from "./captions/caption.ts";
import { dice } from "./dice.ts";

/**
 * Fitted by `scripts/scenes.mjs thresholds` to the training scenes of seeds 0 to 3999 at 128 x 128. The working side is the smallest size
 * that scenes are trained at, so that a scene gets the same tokens at every size.
 */
export const SCENE_THRESHOLDS: ControlThresholds = {
  format: "illustrious.control-thresholds",
  version: 1,
  name: "scenes",
  pictures: 4000,
  workingSide: 64,
  quantiles: [0.25, 0.6, 0.9],
  cuts: {
    contrast: [0.1452, 0.2205, 0.292],
    brightness: [107.5, 154.8, 195.8],
    sharpness: [1499, 5636, 8307],
    dynamicColours: [1.62, 2.479, 3.423],
    colourfulness: [52.56, 86.14, 111.4],
    saturation: [76.98, 113.8, 146.8],
  },
};

/** A scene picture's six control tokens. */
export function controlTokensOf(picture: Pixels): ControlToken[] {
  return tokensOf(measureColours(picture, SCENE_THRESHOLDS.workingSide), SCENE_THRESHOLDS);
}

/** The first and the last token of each family: a picture in four has the one, a picture in ten the other. */
const OUTER: ReadonlySet<ControlToken> = new Set(
  CONTROL_FAMILY_NAMES.flatMap((family) => [CONTROL_FAMILIES[family][0], CONTROL_FAMILIES[family].at(-1)!]),
);

/** How many of the six a caption tells, besides: often none, or one at least, and that mostly alone, as people ask for it. */
const TOLD = {
  often: [
    [0, 0.35],
    [1, 0.25],
    [2, 0.2],
    [6, 0.2],
  ],
  always: [
    [1, 0.5],
    [2, 0.25],
    [6, 0.25],
  ],
} as const;

export type TokensTold = keyof typeof TOLD;

/** How often they come before the caption rather than after it. */
const FIRST = 0.2;

/**
 * A caption with some of the tokens, in any order: which and where depends on the seed. Of a
 * picture in a tone, a family's first and last token are told always: a prompt that asks for none of them then asks for no such tone. Both, since
 * guidance leads away from what only captions with tokens have: were it "very sharp" alone, pictures without a token would be soft.
 *
 * @param isToned whether the scene has a tone; a white background is "very bright" by itself, and its caption says so in its own words
 */
export function withControlTokens(
  caption: string,
  tokens: readonly ControlToken[],
  seed: Seed,
  how: TokensTold = "often",
  isToned = false,
): string {
  const d = dice(seed, "control");
  const count = d.weighted<number>(TOLD[how]);
  const told = d.shuffled(tokens).filter((token, i) => i < count || (isToned && OUTER.has(token)));
  if (told.length === 0) return caption;
  return d.chance(FIRST) ? `${told.join(", ")}, ${caption}` : appended(caption, told);
}
