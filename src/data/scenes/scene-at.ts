/** @file The scene of a seed: how often what occurs. */

import type { Seed } from "../../base/random/seed.ts";
import { type Dice, dice } from "./dice.ts";
import { isHeldOut } from "./held-out.ts";
import { DRESS, EYES, HAIR, PLAIN, type PlainColour } from "./palette.ts";
import { type Background, type Girl, HAIR_STYLES, MOUTHS, PLACES, type Pose, type Scene, TRIMS } from "./scene.ts";
import { drawTone } from "./tone.ts";

export type SceneOptions = {
  /** "training" never shows a held-out combination, "held-out" always does, "any" leaves it to chance. */
  readonly split?: "training" | "held-out" | "any";
  /** How many girls; by default seldom none, and one or two equally often. */
  readonly girls?: 0 | 1 | 2;
  /** False for pictures as they are drawn. */
  readonly tones?: boolean;
};

const keys = <K extends string>(table: Record<K, unknown>) => Object.keys(table) as K[];
const HAIRS = keys(HAIR);
const EYE_COLOURS = keys(EYES);
const DRESSES = keys(DRESS);
const PLAINS = keys(PLAIN);

/** The scene of a seed. The same seed and options give the same scene everywhere and always. */
export function sceneAt(seed: Seed, options: SceneOptions = {}): Scene {
  const d = dice(seed, "scene");
  const { split = "training" } = options;
  for (;;) {
    const scene = draw(d, options);
    if (split === "any" || isHeldOut(scene) === (split === "held-out")) return scene;
  }
}

function draw(d: Dice, options: SceneOptions): Scene {
  const held = options.split === "held-out";
  const count =
    options.girls ??
    d.weighted([
      [0, held ? 0 : 0.14],
      [1, 0.4],
      [2, 0.46],
    ] as const);
  const girls = Array.from({ length: count }, () => drawGirl(d, count));
  const background = count === 0 ? drawEmpty(d) : drawBackground(d);
  return { girls, background, tone: drawTone(d, background, options.tones ?? true) };
}

function drawGirl(d: Dice, count: number): Girl {
  return {
    hair: d.pick(HAIRS),
    style: d.pick(HAIR_STYLES),
    eyes: d.pick(EYE_COLOURS),
    dress: d.pick(DRESSES),
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

function drawBackground(d: Dice): Background {
  return d.weighted<() => Background>([
    [() => ({ kind: "plain", colour: drawPlain(d, 2.5) }), 0.3],
    [() => drawGradient(d), 0.15],
    [() => drawPlace(d), 0.55],
  ])();
}

/** Half of them black or white: what a model cannot do unless it has seen enough of them. */
function drawEmpty(d: Dice): Background {
  return d.weighted<() => Background>([
    [() => ({ kind: "plain", colour: drawPlain(d, 9) }), 0.65],
    [() => drawGradient(d), 0.1],
    [() => drawPlace(d), 0.25],
  ])();
}

function drawPlain(d: Dice, blackAndWhite: number): PlainColour {
  return d.weighted(PLAINS.map((c) => [c, c === "black" || c === "white" ? blackAndWhite : 1] as const));
}

function drawGradient(d: Dice): Background {
  const [top, bottom] = d.shuffled(PLAINS);
  return { kind: "gradient", top: top!, bottom: bottom! };
}

function drawPlace(d: Dice): Background {
  return { kind: "place", place: d.pick(PLACES), detail: Math.floor(d.next() * 2 ** 32) };
}
