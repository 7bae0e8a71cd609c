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
  return CONTROL_FAMILY_NAMES.filter((family) => families.includes(family)).flatMap((family) => {
    const level = controlLevel(measures, thresholds, family);
    if (outer && level !== 0 && level !== 3) return [];
    const word = CONTROL_FAMILIES[family][level]!;
    return [blackTheme && word === "dark" ? "black theme" : word];
  });
}
