/**
 * @file How a picture's tone shows on skin. A description that tells no tone leaves any: which one a picture has is read off its
 * girls: their skin, the one colour that all have, and their hair, which is one of few.
 */

import { EYES, type EyeColour, SKIN } from "../palette.ts";
import { PLAIN_TONE, type Tone, type ToneChange } from "../scene.ts";
import { changedTone, colourToner } from "../tone.ts";
import { distance, type Lab, lab, squaredDistance } from "./canvas.ts";

/** A tone, and skin in it. */
export type Look = { readonly tone: Tone; readonly skin: Lab };

function lookOf(tone: Tone): Look {
  return { tone, skin: lab(colourToner(tone)(SKIN)) };
}

/** How far irises of each colour are from skin in a tone. */
export const eyesFromSkin = perTone((tone): Record<EyeColour, number> => {
  const toned = colourToner(tone);
  const skin = lab(toned(SKIN));
  const entries = Object.entries(EYES).map(([name, colour]) => [name, distance(lab(toned(colour)), skin)]);
  return Object.fromEntries(entries) as Record<EyeColour, number>;
});

const LIGHTNESS: readonly ToneChange[] = ["dark", "bright", "low contrast", "high contrast"];
const SATURATION: readonly ToneChange[] = ["muted", "vivid"];
const STRENGTHS = [0, 0.25, 0.5, 0.75, 1];

/** The plain look first, then those of one change and of two. Blur and sharpening move the colour of no field. */
const ANY_LOOK: readonly Look[] = [
  PLAIN_TONE,
  ...[...LIGHTNESS, ...SATURATION].flatMap((change) => STRENGTHS.map((strength) => changedTone([[change, strength]]))),
  ...LIGHTNESS.flatMap((lightness) =>
    SATURATION.flatMap((saturation) =>
      STRENGTHS.map((strength) =>
        changedTone([
          [lightness, strength],
          [saturation, 0.5],
        ]),
      ),
    ),
  ),
].map(lookOf);

/** The looks that a picture may have: the told tone's alone, or any, of which the plain one is the first. */
export const looksFor = (tone: Tone | undefined): readonly Look[] => (tone ? [lookOf(tone)] : ANY_LOOK);

/** The look whose skin is nearest; of two as near, the one of fewer changes. */
export function nearestLook(looks: readonly Look[], skin: Lab): Look {
  let nearest = looks[0]!;
  let least = squaredDistance(nearest.skin, skin);
  for (const look of looks) {
    const square = squaredDistance(look.skin, skin);
    if (square >= least) continue;
    least = square;
    nearest = look;
  }
  return nearest;
}

/** What is made of a tone, made once for each: a picture is held against dozens of them. */
export function perTone<T extends object>(make: (tone: Tone) => T): (tone: Tone) => T {
  const made = new WeakMap<Tone, T>();
  return (tone) => {
    const known = made.get(tone);
    if (known) return known;
    const one = make(tone);
    made.set(tone, one);
    return one;
  };
}
