/**
 * @file How a picture's tone shows on skin. A description that tells no tone leaves any: which one a picture has is read off its
 * girls' skin, the one colour that every girl has, before other colours are named.
 */

import { SKIN } from "../palette.ts";
import { PLAIN_TONE, type Tone, type ToneChange } from "../scene.ts";
import { changedTone, colourToner } from "../tone.ts";
import { type Lab, lab, squaredDistance } from "./canvas.ts";

/** A tone, and skin in it. */
export type Look = { readonly tone: Tone; readonly skin: Lab };

const lookOf = (tone: Tone): Look => ({ tone, skin: lab(colourToner(tone)(SKIN)) });

const LIGHTNESS: readonly ToneChange[] = ["dark", "bright", "low contrast", "high contrast"];
const SATURATION: readonly ToneChange[] = ["muted", "vivid"];
const STRENGTHS = [0, 0.25, 0.5, 0.75, 1];

/** The plain look first, then those of one change and of two. Blur moves no colour. */
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

/** The looks that a picture may have: the told tone's alone, or any. */
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
