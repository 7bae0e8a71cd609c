/**
 * @file The scorer: a picture and what it should show in, what holds of it out. It knows the drawing's palette and layout, nothing of the
 * model that made the picture, and reads hair, eyes, dresses and background from the pixels.
 */

import type { Pixels } from "../../../colour/index.ts";
import { layoutOf } from "../layout.ts";
import type { DressColour, EyeColour, HairColour } from "../palette.ts";
import { type Background, PLAIN_TONE, type Tone } from "../scene.ts";
import { readBackground, sameBackground } from "./background.ts";
import { type Canvas, canvasOf, squaredDistance } from "./canvas.ts";
import { type Fit, findFace, hairCost, type Reading, readDress, readEyes, readHair, SKIN_SPREAD } from "./girl.ts";
import { eyesFromSkin, type Look, looksFor, nearestLook } from "./looks.ts";

/** What a picture should show; what is left out may be anything. A `Scene` is one. */
export type Description = {
  /** From left to right. */
  readonly girls: readonly { readonly hair?: HairColour; readonly eyes?: EyeColour; readonly dress?: DressColour }[];
  readonly background?: Background;
  /** The colours are looked for as this tone shows them; untold, it is read off the girls' skin and hair. */
  readonly tone?: Tone;
};

/** One fact: what was read, and whether it is what was described. Nothing described holds. */
export type Fact<Value> = { readonly seen: Value | undefined; readonly holds: boolean };

export type GirlFacts = {
  /** Is there a face where the layout has one? Without it, none of her other facts holds. */
  readonly found: boolean;
  /** How much like a face what was found is, at most 1. */
  readonly face: number;
  readonly hair: Fact<HairColour>;
  readonly eyes: Fact<EyeColour>;
  readonly dress: Fact<DressColour>;
};

export type Facts = {
  /** As many girls as described, and no face where another number of girls would stand. */
  readonly count: boolean;
  readonly girls: readonly GirlFacts[];
  readonly background: Fact<Background>;
  /** All that was described. */
  readonly all: boolean;
};

/** Faces of true scenes, blurred ones among them, reach more; noise, blurs and backgrounds less. */
const LEAST_FACE = 0.3;
/**
 * How far irises must be from skin, over how far they are in a drawing on average of their colours. Blurred by 7 % of the side they are
 * nearer. So are some in tones of little contrast, which are then refused.
 */
const LEAST_EYES_APART = 0.3;
/** The same over how far the described eyes are, where that is less: yellow is near to skin by itself. */
const LEAST_OWN_EYES_APART = 0.5;

function isFace({ face, irises }: Fit, { tone }: Look, eyes: EyeColour | undefined): boolean {
  const drawn = eyesFromSkin(tone);
  const all = Object.values(drawn);
  const usual = (LEAST_EYES_APART * all.reduce((sum, one) => sum + one, 0)) / all.length;
  const least = eyes === undefined ? usual : Math.min(usual, LEAST_OWN_EYES_APART * drawn[eyes]);
  return face >= LEAST_FACE && irises >= least;
}

/** Shares of the points that must agree on a colour. */
const LEAST_HAIR = 0.5;
const LEAST_EYES = 0.4;
const LEAST_DRESS = 0.45;

/**
 * Which described facts hold of a picture.
 *
 * @param picture of any size from 16 pixels, laid out as scenes are
 * @throws IllustriousError `bad_shape` when the pixels are none; `bad_option` for impossible sides
 */
export function scorePicture(picture: Pixels, description: Description): Facts {
  const canvas = canvasOf(picture);
  const layout = layoutOf(description.girls.length, picture);
  const looks = looksFor(description.tone);
  const fits = description.girls.map((_, i) => findFace(canvas, layout.heads[i]!, looks));
  const faces = fits.map((fit, i) => isFace(fit, looks[0]!, description.girls[i]!.eyes));
  const tone =
    description.tone ??
    toneOf(
      canvas,
      fits.filter((_, i) => faces[i]),
      looks,
    );
  const girls = description.girls.map((girl, i) => {
    const fit = fits[i]!;
    const found = faces[i]!;
    return {
      found,
      face: fit.face,
      hair: judged(found, girl.hair, readHair(canvas, fit, tone), LEAST_HAIR),
      eyes: judged(found, girl.eyes, readEyes(canvas, fit, tone), LEAST_EYES),
      dress: judged(found, girl.dress, readDress(canvas, fit, tone), LEAST_DRESS),
    };
  });
  const seen = readBackground(canvas, layout, tone).background;
  const wanted = description.background;
  const background = { seen, holds: wanted === undefined || (seen !== undefined && sameBackground(wanted, seen)) };
  const count = girls.every(({ found }) => found) && !othersFound(canvas, description.girls.length, picture, looks);
  const all =
    count && background.holds && girls.every(({ hair, eyes, dress }) => hair.holds && eyes.holds && dress.holds);
  return { count, girls, background, all };
}

/** In squared standard deviations: nearly half of all scenes have no change, and each single one is rare. */
const CHANGE_COST = 2;

/** A picture has one tone: that which its girls' skin and hair have most likely. */
function toneOf(canvas: Canvas, faces: readonly Fit[], looks: readonly Look[]): Tone {
  if (faces.length === 0) return PLAIN_TONE;
  const costs = looks.map(({ tone, skin }) =>
    faces.reduce(
      (sum, fit) => sum + squaredDistance(fit.skin, skin) / SKIN_SPREAD ** 2 + hairCost(canvas, fit, tone),
      CHANGE_COST * tone.changes.length,
    ),
  );
  return looks[costs.indexOf(Math.min(...costs))]!.tone;
}

function judged<Name extends string>(
  found: boolean,
  wanted: Name | undefined,
  reading: Reading<Name>,
  least: number,
): Fact<Name> {
  const seen = found && reading.share >= least ? reading.name : undefined;
  return { seen, holds: found && (wanted === undefined || seen === wanted) };
}

/** Is there a whole girl where a picture of another number of girls has one? */
function othersFound(canvas: Canvas, girls: number, size: Pixels, looks: readonly Look[]): boolean {
  return [1, 2]
    .filter((other) => other !== girls)
    .flatMap((other) => layoutOf(other, size).heads)
    .some((head) => {
      const fit = findFace(canvas, head, looks);
      const { tone } = nearestLook(looks, fit.skin);
      return fit.face >= SURE_FACE && readHair(canvas, fit, tone).share >= SURE_HAIR;
    });
}

/** Half a neighbour's face between two girls must not count as one more girl. */
const SURE_FACE = 0.8;
const SURE_HAIR = 0.7;
