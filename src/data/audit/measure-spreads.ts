/** @file The ranges in which a set's measures are counted, for the report and for thresholds that are fitted to it. */

import { type SpreadCounter, spreadCounter } from "./spread.ts";

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

export function measureSpreads(): Readonly<Record<Measure, SpreadCounter>> {
  return {
    contrast: spreadCounter(0, 0.5),
    brightness: spreadCounter(0, 255),
    sharpness: spreadCounter(0, 20_000, "log"),
    dynamicColours: spreadCounter(0, 6),
    colourfulness: spreadCounter(0, 200),
    saturation: spreadCounter(0, 255),
    saturationDeviation: spreadCounter(0, 128),
  };
}
