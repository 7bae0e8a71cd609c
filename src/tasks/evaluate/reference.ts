/** @file What the data measure, for models to be held against: scenes drawn as those of training are, their tones among them. */

import { CONTROL_FAMILY_NAMES, type ControlFamily } from "../../colour/index.ts";
import { dice } from "../../data/scenes/dice.ts";
import { type Description, PLAIN_TONE, renderScene, type Scene, sceneAt } from "../../data/scenes/index.ts";
import { drawTone } from "../../data/scenes/tone.ts";
import { colours, controlMeasures } from "./judge.ts";

export type ColourReference = {
  /** Mean HSV saturation of 255, and share of exactly white pixels. */
  readonly saturation: number;
  readonly white: number;
};

/** Tones that each scene is drawn in: they are as frequent as in training, and the captions tell nothing of them. */
const TONES = 12;

/**
 * Means over the scenes that a row's prompts are captions of: each is drawn in many tones, since a model that was told none should
 * give the mean of them.
 *
 * @param side of the models' pictures, in pixels: exact white depends on it, for edges are blends
 */
export async function colourReference(scenes: readonly Description[], side: number): Promise<ColourReference> {
  let saturation = 0;
  let white = 0;
  for (const [i, description] of scenes.entries()) {
    const scene = { tone: PLAIN_TONE, ...description } as Scene;
    for (let t = 0; t < TONES; t++) {
      const tone = drawTone(dice(60_000 + i * TONES + t, "scene"), scene.background);
      const found = colours(await renderScene({ ...scene, tone }, side));
      saturation += found.saturation / (scenes.length * TONES);
      white += found.white / (scenes.length * TONES);
    }
  }
  return { saturation, white };
}

/** Standard deviations are within 4 % of the set's: 1 / sqrt(2 · 300). */
const PICTURES = 300;

/** The standard deviation of each family's measure over the training set, drawn at 128 pixels. */
export async function controlDeviations(): Promise<Record<ControlFamily, number>> {
  const all: Record<ControlFamily, number>[] = [];
  for (let i = 0; i < PICTURES; i++) all.push(controlMeasures(await renderScene(sceneAt(70_000 + i))));
  const deviation = (family: ControlFamily) => {
    const mean = all.reduce((sum, one) => sum + one[family], 0) / all.length;
    return Math.sqrt(all.reduce((sum, one) => sum + (one[family] - mean) ** 2, 0) / all.length);
  };
  return Object.fromEntries(CONTROL_FAMILY_NAMES.map((family) => [family, deviation(family)])) as Record<
    ControlFamily,
    number
  >;
}
