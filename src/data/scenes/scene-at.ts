/** @file The scene of a seed: how often what occurs. */

import type { Seed } from "../../base/random/seed.ts";
import { crossed } from "./crossed.ts";
import { type Dice, dice } from "./dice.ts";
import { isHeldOut } from "./held-out.ts";
import {
  DRESS,
  type DressColour,
  EYES,
  type EyeColour,
  HAIR,
  type HairColour,
  PLAIN,
  type PlainColour,
} from "./palette.ts";
import {
  type Background,
  type Girl,
  HAIR_STYLES,
  MOUTHS,
  PLACES,
  type Place,
  type Pose,
  type Scene,
  TRIMS,
} from "./scene.ts";
import { drawTone, type Tones } from "./tone.ts";

export type SceneOptions = {
  /** "training" never shows a held-out combination, "held-out" always does, "any" leaves it to chance. */
  readonly split?: "training" | "held-out" | "any";
  /** How many girls; by default seldom none, and one or two equally often. */
  readonly girls?: 0 | 1 | 2;
  /** How many pictures have their colours or sharpness changed as a whole: none, by default more than half, or all. */
  readonly tones?: Tones;
};

/** What a scene's colours are chosen from. */
type Choice = {
  readonly hair: readonly HairColour[];
  readonly eyes: readonly EyeColour[];
  readonly dress: readonly DressColour[];
  readonly plain: readonly PlainColour[];
  readonly places: readonly Place[];
};

const keys = <K extends string>(table: Record<K, unknown>) => Object.keys(table) as K[];

const EVERYTHING: Choice = {
  hair: keys(HAIR),
  eyes: keys(EYES),
  dress: keys(DRESS),
  plain: keys(PLAIN),
  places: PLACES,
};

/** Choices of one hue: scenes of few colours, without which "static colors" would be said of empty ones alone. */
const THEMES: readonly Choice[] = [
  {
    hair: ["red", "pink"],
    eyes: ["red"],
    dress: ["red", "pink", "white"],
    plain: ["red", "pink", "white"],
    places: ["blossoms"],
  },
  {
    hair: ["blonde", "orange", "brown"],
    eyes: ["yellow", "brown"],
    dress: ["yellow", "white"],
    plain: ["yellow", "white"],
    places: ["snow"],
  },
  {
    hair: ["green"],
    eyes: ["green"],
    dress: ["green", "black", "white"],
    plain: ["green", "white", "black"],
    places: ["forest", "meadow"],
  },
  {
    hair: ["blue", "aqua"],
    eyes: ["blue", "aqua"],
    dress: ["blue", "dark blue"],
    plain: ["blue", "white", "black"],
    places: ["sky", "ocean", "snow", "night"],
  },
  {
    hair: ["purple", "pink"],
    eyes: ["purple"],
    dress: ["purple", "pink"],
    plain: ["purple", "pink", "black"],
    places: ["city"],
  },
  {
    hair: ["black", "white"],
    eyes: ["black"],
    dress: ["black", "white"],
    plain: ["black", "white", "grey"],
    places: ["snow"],
  },
];

const THEMED = 0.18;

/** Of training scenes with two girls. */
const CROSSED = 0.3;

/** The scene of a seed. The same seed and options give the same scene everywhere, in one version of the program. */
export function sceneAt(seed: Seed, options: SceneOptions = {}): Scene {
  const [d, own] = [dice(seed, "scene"), dice(seed, "crossed")];
  const { split = "training" } = options;
  for (;;) {
    const drawn = draw(d, options);
    const isCrossed = split === "training" && drawn.girls.length === 2 && own.chance(CROSSED);
    const scene = isCrossed ? { ...drawn, girls: crossed(own, drawn.girls) } : drawn;
    if (split === "any" || isHeldOut(scene) === (split === "held-out")) return scene;
  }
}

function draw(d: Dice, { girls: wanted, split, tones = "some" }: SceneOptions): Scene {
  const count = wanted ?? d.weighted(split === "held-out" ? GIRLS_HELD_OUT : GIRLS);
  const choice = d.chance(THEMED) ? d.pick(THEMES) : EVERYTHING;
  const girls = Array.from({ length: count }, () => drawGirl(d, choice, count));
  const shares = tones === "vivid" ? COLOURED : count === 0 ? EMPTY : BEHIND_GIRLS;
  const background = drawBackground(d, choice, shares);
  return { girls, background, tone: drawTone(d, background, tones) };
}

const GIRLS = [
  [0, 0.14],
  [1, 0.4],
  [2, 0.46],
] as const;
const GIRLS_HELD_OUT = [
  [1, 0.3],
  [2, 0.7],
] as const;

function drawGirl(d: Dice, choice: Choice, count: number): Girl {
  return {
    hair: d.pick(choice.hair),
    style: d.pick(HAIR_STYLES),
    eyes: d.pick(choice.eyes),
    dress: d.pick(choice.dress),
    trim: d.pick(TRIMS),
    mouth: d.pick(MOUTHS),
    pose: drawPose(d, count),
  };
}

function drawPose(d: Dice, count: number): Pose {
  // Two girls must not touch; one has room.
  const reach = count === 2 ? 1.5 : 4;
  return {
    x: d.between(-reach, reach),
    y: d.between(-3, 3),
    scale: d.between(0.95, 1.05),
    tilt: d.between(-4, 4),
    fringe: d.pick([0, 1, 2] as const),
    collar: d.pick([0, 1, 2] as const),
    mirrored: d.chance(0.5),
  };
}

/** Shares of the kinds of background, and how much likelier black and white are than other plain ones. */
type Shares = {
  readonly plain: number;
  readonly gradient: number;
  readonly place: number;
  readonly blackAndWhite: number;
};
const BEHIND_GIRLS: Shares = { plain: 0.3, gradient: 0.15, place: 0.55, blackAndWhite: 2.5 };
/** Half of the empty ones are black or white: what a model cannot draw unless it has seen enough of it. */
const EMPTY: Shares = { plain: 0.65, gradient: 0.1, place: 0.25, blackAndWhite: 9 };
/** In a vivid picture even what has no girl has a colour. */
const COLOURED: Shares = { ...BEHIND_GIRLS, blackAndWhite: 0 };

function drawBackground(d: Dice, { plain, places }: Choice, shares: Shares): Background {
  switch (
    d.weighted([
      ["plain", shares.plain],
      ["gradient", shares.gradient],
      ["place", shares.place],
    ] as const)
  ) {
    case "plain": {
      const exact = (colour: PlainColour) => colour === "black" || colour === "white";
      return { kind: "plain", colour: d.weighted(plain.map((c) => [c, exact(c) ? shares.blackAndWhite : 1] as const)) };
    }
    case "gradient": {
      const [top, bottom] = d.shuffled(plain);
      return { kind: "gradient", top: top!, bottom: bottom! };
    }
    case "place":
      return { kind: "place", place: d.pick(places), detail: Math.floor(d.next() * 2 ** 32) };
  }
}
