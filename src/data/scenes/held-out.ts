/**
 * @file What no training caption tells: the combinations that test whether a model has learnt words or pictures. Every colour and every
 * place of it occurs in training, often; only these meetings do not.
 */

import type { EyeColour, HairColour } from "./palette.ts";
import type { Place, Scene } from "./scene.ts";

export type HeldOut = {
  /** Hair of two girls, left and right. The mirror image is trained, unless it stands here, too. */
  readonly pairs: readonly (readonly [left: HairColour, right: HairColour])[];
  /** Hair and eyes of one and the same girl. */
  readonly hairAndEyes: readonly (readonly [HairColour, EyeColour])[];
  /** A girl's hair, and the place that she is in. */
  readonly hairAndPlace: readonly (readonly [HairColour, Place])[];
};

export const HELD_OUT: HeldOut = {
  pairs: [
    ["red", "blue"],
    ["green", "pink"],
    ["blonde", "purple"],
    ["black", "white"],
    ["aqua", "red"],
    ["blue", "orange"],
    ["pink", "green"],
    ["purple", "black"],
    ["white", "brown"],
    ["orange", "aqua"],
    ["brown", "blonde"],
    ["blonde", "blue"],
  ],
  hairAndEyes: [
    ["green", "purple"],
    ["pink", "brown"],
    ["black", "yellow"],
    ["blonde", "aqua"],
  ],
  hairAndPlace: [
    ["purple", "meadow"],
    ["orange", "night"],
    ["white", "ocean"],
    ["brown", "city"],
  ],
};

/** Does a scene show any held-out combination? */
export function isHeldOut({ girls, background }: Scene): boolean {
  const [left, right] = girls;
  if (right && HELD_OUT.pairs.some(([l, r]) => l === left!.hair && r === right.hair)) return true;
  return girls.some(
    ({ hair, eyes }) =>
      HELD_OUT.hairAndEyes.some(([h, e]) => h === hair && e === eyes) ||
      (background.kind === "place" && HELD_OUT.hairAndPlace.some(([h, p]) => h === hair && p === background.place)),
  );
}
