/** @file What is counted in fine bins of a set, and in which ranges: for the report, for thresholds fitted to it, for comparisons. */

import { type FineBins, fineBins, type Scale, type SpreadCounter, spreadCounter } from "./spread.ts";

export const MEASURES = [
  "contrast",
  "brightness",
  "sharpness",
  "dynamicColours",
  "colourfulness",
  "saturation",
  "saturationDeviation",
] as const;

export type Measure = (typeof MEASURES)[number];

type Range = readonly [from: number, to: number, scale?: Scale];

/** Of measures up to the largest value that they can have, or all but so: beyond the range nothing is told apart. */
const RANGES = {
  contrast: [0, 0.5],
  brightness: [0, 255],
  sharpness: [0, 1_040_400, "log"],
  dynamicColours: [0, 6],
  colourfulness: [0, 300],
  saturation: [0, 255],
  saturationDeviation: [0, 128],
  /** Width over height. */
  aspect: [0, 4],
  /** Of whole captions. */
  words: [0, 5000, "log"],
  firstLineWords: [0, 5000, "log"],
  tokens: [0, 1000, "log"],
} as const satisfies Record<string, Range>;

export type SpreadName = keyof typeof RANGES;

export const SPREADS = Object.keys(RANGES) as readonly SpreadName[];

export function countSpread(name: SpreadName): SpreadCounter {
  return spreadCounter(...rangeOf(name));
}

export function emptyBins(name: SpreadName): FineBins {
  return fineBins(...rangeOf(name));
}

const rangeOf = (name: SpreadName): Range => RANGES[name];
