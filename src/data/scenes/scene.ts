/** @file A scene as data: everything that a picture shows, and nothing that it does not. */

import type { DressColour, EyeColour, HairColour, PlainColour } from "./palette.ts";

export type HairStyle = "long" | "wavy" | "short" | "tousled" | "twintails" | "ponytail" | "buns";
export const HAIR_STYLES: readonly HairStyle[] = ["long", "wavy", "short", "tousled", "twintails", "ponytail", "buns"];

export type Mouth = "smile" | "open" | "closed" | "smirk" | "frown";
export const MOUTHS: readonly Mouth[] = ["smile", "open", "closed", "smirk", "frown"];

/** The colour of a dress's bow, hem and sash; "plain" is the dress's own. */
export type Trim = "plain" | "silver" | "golden" | "red";
export const TRIMS: readonly Trim[] = ["plain", "silver", "golden", "red"];

/** What no caption tells: the little ways in which drawings of the same words differ. */
export type Pose = {
  /** Offset from the place of the layout, in units of 1/128 of the picture's short side. */
  readonly x: number;
  readonly y: number;
  /** 1 is the layout's size. */
  readonly scale: number;
  /** Degrees, clockwise. */
  readonly tilt: number;
  /** Which of the drawings of fringe and collar. */
  readonly fringe: 0 | 1 | 2;
  readonly collar: 0 | 1 | 2;
  /** Hair parted to the other side. */
  readonly mirrored: boolean;
};

export type Girl = {
  readonly hair: HairColour;
  readonly style: HairStyle;
  readonly eyes: EyeColour;
  readonly dress: DressColour;
  readonly trim: Trim;
  readonly mouth: Mouth;
  readonly pose: Pose;
};

export type Place = "sky" | "ocean" | "sunset" | "night" | "meadow" | "forest" | "room" | "city" | "snow" | "blossoms";
export const PLACES: readonly Place[] = [
  "sky",
  "ocean",
  "sunset",
  "night",
  "meadow",
  "forest",
  "room",
  "city",
  "snow",
  "blossoms",
];

export type Background =
  | { readonly kind: "plain"; readonly colour: PlainColour }
  | { readonly kind: "gradient"; readonly top: PlainColour; readonly bottom: PlainColour }
  /** `detail` seeds what stands where: clouds, stars, windows. */
  | { readonly kind: "place"; readonly place: Place; readonly detail: number };

export type ToneChange =
  | "dark"
  | "bright"
  | "muted"
  | "vivid"
  | "low contrast"
  | "high contrast"
  | "blurred"
  | "sharpened";

/** How a picture is changed after it is drawn. */
export type Tone = {
  /** Names of what the numbers do; none for a picture as it is drawn. */
  readonly changes: readonly ToneChange[];
  /** Distance of every colour from its grey, as a factor. */
  readonly saturation: number;
  /** From -1 (black) to 1 (white): the share of the way there. */
  readonly brightness: number;
  /** Distance of every pixel's luma from middle grey, as a factor. */
  readonly contrast: number;
  /** Standard deviation of a Gaussian blur, as a share of the picture's short side. */
  readonly blur: number;
  /** How much of what a Gaussian blur takes away is added: an unsharp mask. */
  readonly sharpening: number;
};

export const PLAIN_TONE: Tone = { changes: [], saturation: 1, brightness: 0, contrast: 1, blur: 0, sharpening: 0 };

export type Scene = {
  /** From left to right; none in an empty scene. */
  readonly girls: readonly Girl[];
  readonly background: Background;
  readonly tone: Tone;
};
