/**
 * @file Two girls who wear each other's colours: one's eyes, dress and trim in the colour of the other's hair. Who has learnt from colours that
 * fall by lot can go by how often a word stands in a girl's sentences; of these girls only the word beside "hair" tells the hair.
 */

import type { Dice } from "./dice.ts";
import type { DressColour, EyeColour, HairColour } from "./palette.ts";
import type { Girl, Trim } from "./scene.ts";

type Worn = { readonly eyes?: EyeColour; readonly dress?: readonly DressColour[]; readonly trim?: Trim };

/** What of a girl can have the colour of the other's hair. */
const WORN: Record<HairColour, Worn> = {
  red: { eyes: "red", dress: ["red"], trim: "red" },
  orange: {},
  blonde: { eyes: "yellow", dress: ["yellow"], trim: "golden" },
  brown: { eyes: "brown" },
  green: { eyes: "green", dress: ["green"] },
  aqua: { eyes: "aqua" },
  blue: { eyes: "blue", dress: ["blue", "dark blue"] },
  purple: { eyes: "purple", dress: ["purple"] },
  pink: { dress: ["pink"] },
  black: { eyes: "black", dress: ["black"] },
  white: { dress: ["white"], trim: "silver" },
};

/** Of what could be so, how much is. */
const SHARE = 0.7;

export function crossed(d: Dice, girls: readonly Girl[]): Girl[] {
  return girls.map((girl, i) => {
    const { eyes, dress, trim } = WORN[girls[1 - i]!.hair];
    return {
      ...girl,
      ...(eyes && d.chance(SHARE) && { eyes }),
      ...(dress && d.chance(SHARE) && { dress: d.pick(dress) }),
      ...(trim && d.chance(SHARE) && { trim }),
    };
  });
}
