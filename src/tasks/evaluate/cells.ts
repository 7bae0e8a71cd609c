/**
 * @file What is drawn for each row: cells, each of so many pictures. A cell's pictures have the seeds 0, 1, 2 …; where it has several
 * prompts, they take turns, so that seed s has the same prompt in every cell of its row.
 */

import { CONTROL_FAMILIES, CONTROL_FAMILY_NAMES } from "../../colour/index.ts";
import {
  appended,
  captionOf,
  type Description,
  EMPTY_TRIALS,
  longTrials,
  type Scene,
  type SceneOptions,
  sceneAt,
  simpleTrials,
  type Trial,
} from "../../data/scenes/index.ts";
import type { RowName } from "./options.ts";

/** One picture to draw. */
export type Shot = {
  readonly prompt: string;
  readonly seed: number;
  /** What the picture should show; in the rows of colours the whole scene that the prompt is a caption of. */
  readonly description: Description;
};

export type Cell = {
  readonly row: RowName;
  /** Of its own in its row. */
  readonly name: string;
  /** Of a square, in pixels; the model's own size unless told. */
  readonly side?: number;
  /** Whether the first step's guess is wanted, too. */
  readonly traced: boolean;
  readonly shots: readonly Shot[];
};

export type Extent = { readonly quick: boolean; readonly seeds: number };

/** Prompts that take turns in a cell of the rows `saturation`, `control` and `sizes`. */
const TURNS = 5;

/** Of the row `saturation`, so that it has fifty captions: what a caption leaves open, such as the background, must even out. */
const CELLS = 10;

export const SIZES: readonly number[] = [64, 96, 128, 192, 256];

/** The cell of the row `control` in which no token is added. */
export const NO_TOKEN = "no token";

/** A row's cells. The shorter form draws some of the same pictures. */
export const cellsOf: { readonly [row in RowName]: (extent: Extent) => Cell[] } = {
  simple: (extent) => trialCells("simple", simpleTrials(), extent),
  long: (extent) => trialCells("long", longTrials(), extent),
  empty: (extent) => trialCells("empty", EMPTY_TRIALS, extent),
  saturation({ quick, seeds }) {
    const count = quick ? 3 : CELLS;
    const trials = captioned(40_000, count * TURNS);
    return Array.from({ length: count }, (_, i) => ({
      row: "saturation",
      name: `captions ${TURNS * i + 1} to ${TURNS * (i + 1)}`,
      traced: true,
      shots: shotsOf(trials.slice(TURNS * i, TURNS * (i + 1)), seeds),
    }));
  },
  control({ seeds }) {
    const trials = captioned(50_000, TURNS, ({ background }) => background.kind === "place");
    const tokens = CONTROL_FAMILY_NAMES.flatMap((family) => CONTROL_FAMILIES[family].map((token) => [token]));
    return [[], ...tokens].map((added) => ({
      row: "control",
      name: added[0] ?? NO_TOKEN,
      traced: false,
      shots: shotsOf(
        trials.map((trial) => ({ ...trial, prompt: appended(trial.prompt, added) })),
        seeds,
      ),
    }));
  },
  sizes({ quick, seeds }) {
    const trials = simpleTrials().slice(0, TURNS);
    const sides = quick ? SIZES.filter((side) => [64, 128, 256].includes(side)) : SIZES;
    return sides.map((side) => ({
      row: "sizes",
      name: `${side} px`,
      side,
      traced: false,
      shots: shotsOf(trials, seeds),
    }));
  },
};

function trialCells(row: RowName, trials: readonly Trial[], { quick, seeds }: Extent): Cell[] {
  const some = quick ? trials.slice(0, 3) : trials;
  return some.map((trial) => ({ row, name: trial.name, traced: false, shots: shotsOf([trial], seeds) }));
}

function shotsOf(trials: readonly Omit<Trial, "name">[], seeds: number): Shot[] {
  return Array.from({ length: seeds }, (_, seed) => {
    const { prompt, description } = trials[seed % trials.length]!;
    return { prompt, seed, description };
  });
}

/** Scenes of training with one girl and with two by turns, told as tags and as sentences, and nothing told of their tone. */
function captioned(
  first: number,
  count: number,
  wanted: (scene: Scene) => boolean = () => true,
): Omit<Trial, "name">[] {
  const found: Omit<Trial, "name">[] = [];
  for (let seed = first; found.length < count; seed++) {
    const options: SceneOptions = { split: "training", girls: found.length % 2 === 0 ? 1 : 2, tones: "none" };
    const scene = sceneAt(seed, options);
    if (!wanted(scene)) continue;
    const kind = found.length % 4 < 2 ? "sentences" : "tags";
    found.push({ prompt: captionOf(scene, kind, seed), description: scene });
  }
  return found;
}
