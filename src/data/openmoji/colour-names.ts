/**
 * @file Names of OpenMoji's palette (`data/color-palette.json` of its package; the names are ours), and which of them dominates a picture.
 * One table for who recolours, who captions and who judges.
 */

import type { Pixels } from "../../colour/index.ts";
import { type Lab, lab, squaredDistance } from "../scenes/scorer/canvas.ts";

export const COLOUR_NAMES = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown"] as const;
export type ColourName = (typeof COLOUR_NAMES)[number];

/**
 * The palette's shades of each name. The first is the one that lies farthest from other names' shades and is what most of a recoloured
 * picture gets; the second is for the rest; others only occur in pictures as they came.
 */
export const SHADES: Record<ColourName, readonly [main: string, other: string, ...string[]]> = {
  red: ["#d22f27", "#ea5a47", "#781e32"],
  orange: ["#e27022", "#f4aa41"],
  yellow: ["#fcea2b", "#f1b31c"],
  green: ["#5c9e31", "#b1cc33", "#186648"],
  blue: ["#61b2e4", "#92d3f5", "#1e50a0"],
  purple: ["#8967aa", "#b399c8"],
  pink: ["#ffa7c0", "#e67a94"],
  brown: ["#6a462f", "#a57939"],
};

/** The palette's greys, which have no name here. */
const GREYS = ["#000000", "#3f3f3f", "#9b9b9a", "#d0cfce", "#ffffff"];

/** Of a shade, as one number. */
export const rgbNumber = (shade: string): number => Number.parseInt(shade.slice(1), 16);

const PROTOTYPES: readonly { readonly name: ColourName | undefined; readonly lab: Lab }[] = [
  ...COLOUR_NAMES.flatMap((name) => SHADES[name].map((shade) => ({ name, lab: labOf(shade) }))),
  ...GREYS.map((shade) => ({ name: undefined, lab: labOf(shade) })),
];

/** A picture with less than this share of pixels of any name has no colour. */
const LEAST_SHARE = 0.02;

export type Dominant = {
  /** What most of the pixels that have a name are; undefined where hardly any has one. */
  readonly name: ColourName | undefined;
  /** Of all pixels, those that have any name. */
  readonly coloured: number;
  /** Of those that have a name, each name's share. */
  readonly shares: Readonly<Record<ColourName, number>>;
};

/** Each pixel is named by the palette's nearest entry in OKLab, greys among them; the commonest name wins. */
export function dominantColour({ width, height, rgb }: Pixels): Dominant {
  const counts = noCounts();
  let named = 0;
  for (let i = 0; i < 3 * width * height; i += 3) {
    const name = nameOf((rgb[i]! << 16) | (rgb[i + 1]! << 8) | rgb[i + 2]!);
    if (name === undefined) continue;
    counts[name]++;
    named++;
  }
  return dominantOf(counts, named, width * height);
}

export const noCounts = (): Record<ColourName, number> =>
  Object.fromEntries(COLOUR_NAMES.map((name) => [name, 0])) as Record<ColourName, number>;

/** @param pixels of the whole picture */
export function dominantOf(counts: Readonly<Record<ColourName, number>>, named: number, pixels: number): Dominant {
  const shares = noCounts();
  for (const name of COLOUR_NAMES) shares[name] = named === 0 ? 0 : counts[name] / named;
  const most = COLOUR_NAMES.reduce((best, name) => (counts[name] > counts[best] ? name : best));
  const coloured = named / pixels;
  return { name: coloured < LEAST_SHARE ? undefined : most, coloured, shares };
}

/** Of colours that have been asked for: drawings repeat few, and a model's pictures are small. */
const known = new Map<number, ColourName | undefined>();
const MOST_KNOWN = 1 << 20;

function nameOf(rgb: number): ColourName | undefined {
  if (known.has(rgb)) return known.get(rgb);
  const colour = lab([rgb >> 16, (rgb >> 8) & 255, rgb & 255]);
  let nearest = PROTOTYPES[0]!;
  let least = Number.POSITIVE_INFINITY;
  for (const prototype of PROTOTYPES) {
    const far = squaredDistance(colour, prototype.lab);
    if (far >= least) continue;
    least = far;
    nearest = prototype;
  }
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(rgb, nearest.name);
  return nearest.name;
}

function labOf(shade: string): Lab {
  const rgb = rgbNumber(shade);
  return lab([rgb >> 16, (rgb >> 8) & 255, rgb & 255]);
}
