/** @file The control tokens that a caption gets: which families, whether all or only what stands out, and in which words. */

import {
  CONTROL_FAMILIES,
  CONTROL_FAMILY_NAMES,
  type ControlFamily,
  type ControlMeasures,
  type ControlThresholds,
  controlLevel,
} from "../../colour/index.ts";

export type WordChoice = {
  readonly families: readonly ControlFamily[];
  /** Only the first and the last of a family's four. */
  readonly outer: boolean;
  /** For `dark`, which tag sites also use of skin and moods, so that models know it as more than one thing. */
  readonly blackTheme: boolean;
};

/** In the families' order, whatever order they were chosen in. @throws IllustriousError `bad_option` when measured at another working size */
export function controlWords(
  measures: ControlMeasures,
  thresholds: ControlThresholds,
  { families, outer, blackTheme }: WordChoice,
): string[] {
  const words: string[] = [];
  for (const family of CONTROL_FAMILY_NAMES) {
    if (!families.includes(family)) continue;
    const level = controlLevel(measures, thresholds, family);
    if (outer && level !== 0 && level !== 3) continue;
    const word = CONTROL_FAMILIES[family][level]!;
    words.push(blackTheme && word === "dark" ? "black theme" : word);
  }
  return words;
}
