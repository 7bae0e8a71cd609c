/**
 * @file The colours that scenes are drawn in. One table for who draws and who judges: a hair's colour in a picture is found by
 * the nearest entry. Names are the tags of danbooru ("blonde hair", "aqua eyes").
 */

/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

export const HAIR: Record<HairColour, Rgb> = {
  red: [0xd6, 0x22, 0x2c],
  orange: [0xf3, 0x84, 0x22],
  blonde: [0xfa, 0xdc, 0x62],
  brown: [0x7d, 0x4a, 0x2a],
  green: [0x36, 0xa8, 0x4c],
  aqua: [0x45, 0xcf, 0xd6],
  blue: [0x2c, 0x58, 0xd8],
  purple: [0x8c, 0x46, 0xc8],
  pink: [0xfb, 0x8f, 0xbd],
  black: [0x2b, 0x29, 0x38],
  white: [0xf0, 0xf1, 0xf8],
};
export type HairColour =
  | "red"
  | "orange"
  | "blonde"
  | "brown"
  | "green"
  | "aqua"
  | "blue"
  | "purple"
  | "pink"
  | "black"
  | "white";

export const EYES: Record<EyeColour, Rgb> = {
  red: [0xe0, 0x1c, 0x30],
  yellow: [0xf2, 0xc0, 0x1c],
  green: [0x2b, 0xa8, 0x45],
  aqua: [0x2f, 0xcc, 0xd4],
  blue: [0x24, 0x5c, 0xe6],
  purple: [0x8e, 0x3f, 0xd2],
  brown: [0x85, 0x4b, 0x22],
  black: [0x20, 0x24, 0x34],
};
export type EyeColour = "red" | "yellow" | "green" | "aqua" | "blue" | "purple" | "brown" | "black";

export const DRESS: Record<DressColour, Rgb> = {
  red: [0xd8, 0x2c, 0x3c],
  yellow: [0xf7, 0xcf, 0x42],
  green: [0x48, 0xa8, 0x5c],
  blue: [0x45, 0x8d, 0xe8],
  "dark blue": [0x26, 0x35, 0x82],
  purple: [0x93, 0x5c, 0xc6],
  pink: [0xf5, 0x8e, 0xb6],
  white: [0xf4, 0xf4, 0xfa],
  black: [0x2d, 0x2c, 0x3a],
};
export type DressColour = "red" | "yellow" | "green" | "blue" | "dark blue" | "purple" | "pink" | "white" | "black";

/** Plain backgrounds; black and white are exact, which few pictures of the world are. */
export const PLAIN: Record<PlainColour, Rgb> = {
  black: [0, 0, 0],
  white: [255, 255, 255],
  grey: [0x9a, 0x9c, 0xa4],
  red: [0xc8, 0x3a, 0x40],
  yellow: [0xfb, 0xdf, 0x78],
  green: [0x86, 0xcc, 0x86],
  blue: [0x74, 0xae, 0xf2],
  purple: [0xb0, 0x8a, 0xdc],
  pink: [0xfb, 0xb6, 0xd0],
};
export type PlainColour = "black" | "white" | "grey" | "red" | "yellow" | "green" | "blue" | "purple" | "pink";

export const TRIM: Record<"silver" | "golden" | "red", Rgb> = {
  silver: [0xc4, 0xca, 0xd8],
  golden: [0xec, 0xb4, 0x34],
  red: [0xd8, 0x2c, 0x3c],
};

/** Skin is no described fact: one kind, so that a face is known by it. */
export const SKIN: Rgb = [0xff, 0xe3, 0xd1];

/** The way from `a` to `b` by `share` (0 to 1), in sRGB as a painter mixes on a screen. */
export function mix(a: Rgb, b: Rgb, share: number): Rgb {
  return [0, 1, 2].map((c) => a[c]! + (b[c]! - a[c]!) * share) as unknown as Rgb;
}

export function hex(rgb: Rgb): string {
  return `#${rgb.map((v) => Math.round(v).toString(16).padStart(2, "0")).join("")}`;
}

const WHITE: Rgb = [255, 255, 255];
/** Shadows lose green first and lean to violet, as in cel painting; the same hue darker looks dirty. */
const SHADOW: Rgb = [0.8, 0.69, 0.8];
const INK: Rgb = [0x1e, 0x12, 0x24];

/** What a coloured surface is painted with. */
export type Paint = { base: string; light: string; shade: string; line: string };

export function paint(base: Rgb): Paint {
  return {
    base: hex(base),
    light: hex(mix(base, WHITE, 0.42)),
    shade: hex([base[0] * SHADOW[0], base[1] * SHADOW[1], base[2] * SHADOW[2]]),
    line: hex(mix(base, INK, 0.72)),
  };
}
