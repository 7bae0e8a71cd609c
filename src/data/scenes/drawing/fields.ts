/**
 * @file The large colour fields of each background, from top to bottom. They are painted first, and they are what a background is
 * recognised by; what stands in front of them (clouds, stars, windows) is `background.ts`.
 */

import { PLAIN, type Rgb } from "../palette.ts";
import type { Background, Place } from "../scene.ts";

/** A colour at a share of the height, 0 at the top. Two stops at one height are an edge, such as a horizon. */
export type Stop = readonly [share: number, colour: Rgb];

const rgb = (hex: number): Rgb => [hex >> 16, (hex >> 8) & 255, hex & 255];

export const HORIZON: Partial<Record<Place, number>> = {
  ocean: 0.47,
  sunset: 0.55,
  meadow: 0.5,
  forest: 0.74,
  room: 0.76,
  snow: 0.6,
  blossoms: 0.8,
};

const at = (place: Place): number => HORIZON[place] ?? 1;

const FIELDS: Record<Place, readonly Stop[]> = {
  sky: [
    [0, rgb(0x3488e6)],
    [1, rgb(0xb4e2fb)],
  ],
  ocean: [
    [0, rgb(0x86cbf6)],
    [at("ocean"), rgb(0xe2f5fd)],
    [at("ocean"), rgb(0x2c8bd8)],
    [1, rgb(0x124592)],
  ],
  sunset: [
    [0, rgb(0x3c2b78)],
    [0.3, rgb(0xb0437f)],
    [at("sunset"), rgb(0xfb9a4a)],
    [at("sunset"), rgb(0x96447a)],
    [1, rgb(0x2a2152)],
  ],
  night: [
    [0, rgb(0x0a1030)],
    [1, rgb(0x34418a)],
  ],
  meadow: [
    [0, rgb(0x62b8f3)],
    [at("meadow"), rgb(0xdcf3fc)],
    [at("meadow"), rgb(0x98db60)],
    [1, rgb(0x46a53c)],
  ],
  forest: [
    [0, rgb(0xd2eea8)],
    [0.3, rgb(0x7cc070)],
    [at("forest"), rgb(0x2f8049)],
    [at("forest"), rgb(0x35602f)],
    [1, rgb(0x23451f)],
  ],
  room: [
    [0, rgb(0xd9d2ee)],
    [at("room"), rgb(0xcbc0e4)],
    [at("room"), rgb(0xa5714a)],
    [1, rgb(0x7c5034)],
  ],
  city: [
    [0, rgb(0x1a1244)],
    [0.6, rgb(0x6a2d86)],
    [1, rgb(0xd04f92)],
  ],
  snow: [
    [0, rgb(0x9db4d6)],
    [at("snow"), rgb(0xdde8f5)],
    [at("snow"), rgb(0xfbfdff)],
    [1, rgb(0xdde8f5)],
  ],
  blossoms: [
    [0, rgb(0xa2d8f6)],
    [at("blossoms"), rgb(0xfdeaf1)],
    [at("blossoms"), rgb(0xf8bcd2)],
    [1, rgb(0xf09cbe)],
  ],
};

/** What stands in front of a place's fields, by colour: the large things only. */
export const OBJECTS: Record<Place, readonly Rgb[]> = {
  sky: [rgb(0xffffff)],
  ocean: [rgb(0xffffff)],
  sunset: [rgb(0xfff0a8), rgb(0xffc765)],
  night: [rgb(0xfff3c4)],
  meadow: [rgb(0xffffff), rgb(0x7cc850), rgb(0x57b344)],
  forest: [rgb(0x57a463), rgb(0x2c7344), rgb(0x1d5434)],
  room: [rgb(0xa9defa), rgb(0xfbf9ff), rgb(0xf2a7b8), rgb(0xb98a5e)],
  city: [rgb(0x3b2166), rgb(0x1a1238), rgb(0xffe27a), rgb(0x59f0ff), rgb(0xff6ad0)],
  snow: [rgb(0xfbfdff), rgb(0x8fabc9), rgb(0x5d80a6)],
  blossoms: [rgb(0xffb7d1), rgb(0xff9dc2), rgb(0xffd0e0)],
};

export function fieldsOf(background: Background): readonly Stop[] {
  if (background.kind === "place") return FIELDS[background.place];
  if (background.kind === "plain") {
    return [
      [0, PLAIN[background.colour]],
      [1, PLAIN[background.colour]],
    ];
  }
  return [
    [0, PLAIN[background.top]],
    [1, PLAIN[background.bottom]],
  ];
}
