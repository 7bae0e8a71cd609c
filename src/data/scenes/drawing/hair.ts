/**
 * @file Hair as SVG, in two layers: what lies behind head and body, and what falls over the forehead.
 *
 * Coordinates are a head's own: the origin is the middle of the face, the face reaches from x = -21 to 21 and down to y = 25,
 * the top of the hair is at y = -36.
 */

import type { Paint } from "../palette.ts";
import type { Girl, HairStyle } from "../scene.ts";

const path = (d: string, rest: string) => `<path d="${d}" ${rest}/>`;

/** The outline that all styles share is the top of the head; below the ears each goes its own way. */
/** Hair that ends at the neck, or is tied up. */
const NECK_LENGTH = "M-31 0C-31 -26 -18 -37 0 -37S31 -26 31 0C31 8 28 17 24 22H-24C-28 17 -31 8 -31 0z";

const BACK: Record<HairStyle, string> = {
  long: "M-31 0C-31 -26 -18 -37 0 -37S31 -26 31 0C32 20 36 44 34 66Q28 72 19 69Q9 74 0 70Q-9 74 -19 69Q-28 72 -34 66C-36 44 -32 20 -31 0z",
  wavy: "M-31 0C-31 -26 -18 -37 0 -37S31 -26 31 0C31 8 39 12 35 22C32 30 41 34 37 44C34 52 42 56 36 67Q29 75 20 68Q10 76 0 70Q-10 76 -20 68Q-29 75 -36 67C-42 56 -34 52 -37 44C-41 34 -32 30 -35 22C-39 12 -31 8 -31 0z",
  short:
    "M-31 0C-31 -26 -18 -37 0 -37S31 -26 31 0C34 12 34 22 28 31Q20 34 12 31H-12Q-20 34 -28 31C-34 22 -34 12 -31 0z",
  tousled: "M-31 0L-37 9Q-33 13 -30 14L-33 24Q-26 27 -20 24H20Q26 27 33 24L30 14Q33 13 37 9L31 0V-12H-31z",
  twintails: NECK_LENGTH,
  ponytail: NECK_LENGTH,
  buns: NECK_LENGTH,
};

/** One side's tail; the other is its mirror image. */
const TWINTAIL =
  "M24 -22C34 -30 44 -18 44 0C44 20 48 38 40 60Q38 52 35 56Q31 62 28 54C25 40 33 20 30 6C29 -4 26 -10 24 -22z";
const PONYTAIL =
  "M8 -34C22 -48 42 -38 43 -12C44 10 50 26 40 52Q38 44 35 48Q31 54 28 46C24 30 36 8 30 -8C27 -18 18 -26 8 -34z";

/** The crown's outline, from the left temple to the right one; a fringe closes it below. */
const CROWN = "M-31 3C-32 -25 -18 -37 0 -37S32 -25 31 3";
const SPIKY_CROWN =
  "M-31 3Q-37 -3 -37 -12L-32 -11Q-36 -21 -32 -28L-26 -25Q-23 -37 -13 -41L-11 -36Q-2 -44 9 -41L8 -36Q20 -38 25 -29L31 -30Q36 -21 32 -12L37 -13Q37 -3 31 3";

/** Fringes, from the right temple over the forehead to the left one. */
const FRINGE = [
  "Q25 -1 23 -8Q21 -3 17 0Q13 -6 12 -12Q9 -4 5 1Q1 -6 0 -12Q-3 -4 -7 1Q-11 -6 -12 -12Q-14 -4 -18 0Q-21 -4 -23 -8Q-25 -1 -31 3z",
  "Q25 -2 22 -9C16 -7 8 -12 4 -22C2 -11 -6 -3 -18 -1Q-16 -5 -14 -9Q-19 -6 -23 -7Q-25 -1 -31 3z",
  "Q25 -2 23 -8Q21 -3 18 -2Q9 0 0 -1Q-9 0 -18 -2Q-21 -3 -23 -8Q-25 -2 -31 3z",
] as const;

/** Where locks part: from the fringe's gaps towards the crown. */
const PARTINGS = [
  "M12 -12Q12 -18 9 -23M0 -12V-21M-12 -12Q-12 -18 -9 -23",
  "M4 -22Q4 -28 2 -32M13 -12Q9 -16 7 -21M-6 -6Q0 -13 1 -19",
  "M9 -1Q10 -10 8 -19M-9 -1Q-10 -10 -8 -19M0 -1V-14",
] as const;

/** Locks before the ears. */
const SIDES: Record<HairStyle, string> = {
  long: "M26 -6C29 6 28 20 24 34Q20 24 20 12Q20 2 22 -8z",
  wavy: "M26 -6C31 4 26 12 28 20Q28 28 23 34Q22 24 20 16Q19 4 22 -8z",
  short: "M26 -6C30 6 29 16 24 27Q20 18 20 8Q20 0 22 -8z",
  tousled: "M26 -6C30 2 29 8 27 18Q22 12 21 6Q20 0 22 -8z",
  twintails: "M26 -6C29 4 28 16 25 26Q20 16 20 8Q20 0 22 -8z",
  ponytail: "M26 -6C29 4 28 16 25 26Q20 16 20 8Q20 0 22 -8z",
  buns: "M26 -6C29 2 28 12 26 20Q21 14 20 6Q20 0 22 -8z",
};

/** A band of light over the crown. */
const SHINE = "M-22 -18Q-14 -29 0 -29.5T22 -18L17 -20L14 -17L9 -22L4 -19L0 -23L-4 -19L-9 -22L-14 -17L-17 -20z";

const LINE = 'stroke-width="1.5" stroke-linejoin="round"';
const outlined = (fill: string, line: string) => `fill="${fill}" stroke="${line}" ${LINE}`;
const flipped = (content: string) => `<g transform="scale(-1 1)">${content}</g>`;

export function hairBehind({ style, pose }: Girl, hair: Paint, ribbon: Paint): string {
  const rest = outlined(hair.shade, hair.line);
  const crown = path(BACK[style], rest);
  if (style === "twintails") {
    const tail =
      path(TWINTAIL, outlined(hair.base, hair.line)) +
      path("M33 -8Q40 8 38 40", `fill="none" stroke="${hair.shade}" stroke-width="3" stroke-linecap="round"`);
    return tail + flipped(tail) + crown;
  }
  if (style === "ponytail") {
    const tail =
      path(PONYTAIL, outlined(hair.base, hair.line)) +
      path("M30 -24Q42 -8 38 34", `fill="none" stroke="${hair.shade}" stroke-width="3" stroke-linecap="round"`) +
      `<ellipse cx="13" cy="-35" rx="6" ry="4.5" transform="rotate(30 13 -35)" ${outlined(ribbon.base, ribbon.line)}/>`;
    return (pose.mirrored ? flipped(tail) : tail) + crown;
  }
  if (style === "buns") {
    const bun =
      `<circle cx="22" cy="-31" r="11.5" ${outlined(hair.base, hair.line)}/>` +
      path(
        "M17 -33Q22 -40 28 -34M18 -27Q24 -24 28 -29",
        `fill="none" stroke="${hair.shade}" stroke-width="2" stroke-linecap="round"`,
      );
    return bun + flipped(bun) + crown;
  }
  return crown;
}

export function hairBefore({ style, pose }: Girl, hair: Paint, ribbon: Paint): string {
  const side = path(SIDES[style], outlined(hair.base, hair.line));
  const crown = style === "tousled" ? SPIKY_CROWN : CROWN;
  const fringe =
    path(crown + FRINGE[pose.fringe], outlined(hair.base, hair.line)) +
    path(PARTINGS[pose.fringe], `fill="none" stroke="${hair.shade}" stroke-width="1.3" stroke-linecap="round"`);
  const shine = path(SHINE, `fill="${hair.light}" opacity=".8"`);
  return side + flipped(side) + (pose.mirrored ? flipped(fringe) : fringe) + shine + bows(style, ribbon);
}

function bows(style: HairStyle, ribbon: Paint): string {
  if (style !== "twintails") return "";
  const bow = path("M27 -20L18 -27Q16 -20 19 -14zM27 -20L36 -26Q38 -20 34 -13z", outlined(ribbon.base, ribbon.line));
  return bow + flipped(bow);
}
