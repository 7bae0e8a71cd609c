/** @file One picture, and what is counted or measured of it. What the numbers of many mean is not said here. */

import { CONTROL_FAMILY_NAMES, type ControlFamily, measureColours, type Pixels } from "../../colour/index.ts";
import { type Description, SCENE_THRESHOLDS, scorePicture } from "../../data/scenes/index.ts";
import type { RowName } from "./options.ts";

export type Drawn = {
  readonly image: Pixels;
  /** Of a traced cell. */
  readonly trace?: Trace;
};

export type Trace = {
  /** The guided guess at the clean picture after the first step, decoded. */
  readonly first: Pixels;
  /** The largest absolute value among the latents of each step's guess, scaled as the UNet sees them, and among the finished ones. */
  readonly largest: readonly number[];
  readonly lastLargest: number;
};

export type Judgement = {
  /** Of rows in which a picture is right or wrong. */
  readonly right?: boolean;
  readonly values: Readonly<Record<string, number>>;
};

/** Another number when a row's pictures are judged in another way: kept pictures are then judged again. */
export const JUDGED: { readonly [row in RowName]: number } = {
  simple: 3,
  long: 3,
  empty: 1,
  saturation: 2,
  control: 1,
  sizes: 3,
};

/** A picture of the rows of girls is right when both faces are found and both have the hair that the prompt says. */
export const judge: { readonly [row in RowName]: (drawn: Drawn, description: Description) => Judgement } = {
  simple: judgeGirls,
  long: judgeGirls,
  sizes: judgeGirls,
  empty: judgeEmpty,
  saturation: ({ image, trace }) => ({
    values: { side: image.width, ...colours(image), ...(trace && overshoot(trace)) },
  }),
  control: ({ image }) => ({ values: controlMeasures(image) }),
};

function judgeGirls({ image }: Drawn, description: Description): Judgement {
  const { count, girls, all } = scorePicture(image, description);
  const hair = girls.every(({ hair }) => hair.holds);
  const eyes = girls.every(({ eyes }) => eyes.holds);
  const found = girls.every((girl) => girl.found);
  return {
    right: hair,
    values: {
      found: Number(found),
      count: Number(count),
      eyes: Number(eyes),
      hairAndEyes: Number(hair && eyes),
      all: Number(all),
    },
  };
}

/** What a mean luma error may be for a picture to go without a mark on the sheet: the bound that a good model stays within. */
const EMPTY_BOUND = 8;

/** Of 255. Black and white are the ends of the range, so the mean of the errors is the error of the mean. */
function judgeEmpty({ image }: Drawn, { background }: Description): Judgement {
  const { brightness } = measureColours(image);
  const white = background?.kind === "plain" && background.colour === "white";
  const lumaError = white ? 255 - brightness : brightness;
  return { right: lumaError <= EMPTY_BOUND, values: { lumaError } };
}

/** Mean HSV saturation and mean luma of 255, and the share of pixels that are exactly white, as decoded. */
export function colours(image: Pixels): { saturation: number; luma: number; white: number } {
  const { saturation, brightness, whiteShare } = measureColours(image);
  return { saturation, luma: brightness, white: whiteShare };
}

/** A guess whose largest latent is so many times the finished picture's counts as an overshoot: no finished latents reach so far. */
export const OVERSHOOT = 1.5;

function overshoot({ first, largest, lastLargest }: Trace): Readonly<Record<string, number>> {
  const { saturation, brightness } = measureColours(first);
  return {
    firstSaturation: saturation,
    firstLuma: brightness,
    firstLatent: largest[0]!,
    latent: lastLargest,
    overshootSteps: largest.filter((latent) => latent > OVERSHOOT * lastLargest).length,
  };
}

/** What each family of control tokens goes by, measured as the set's tokens were. */
export function controlMeasures(image: Pixels): Record<ControlFamily, number> {
  const measures = measureColours(image, SCENE_THRESHOLDS.workingSide);
  return Object.fromEntries(CONTROL_FAMILY_NAMES.map((family) => [family, measures[family]])) as Record<
    ControlFamily,
    number
  >;
}
