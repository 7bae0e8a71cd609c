/**
 * @file Control tokens: six families of four words each, that say in a caption what a picture measures.
 *
 * The families and their words are those of Illustrious 3.0 and 3.5. Where one word ends and the next begins was never published; it
 * depends on the pictures, so it is fitted to a set (`fitThresholds`) and kept with a name.
 */

import { IllustriousError } from "../base/error.ts";
import type { ColourMeasures } from "./measures.ts";
import { quantiles } from "./quantiles.ts";

export const CONTROL_FAMILIES = {
  contrast: ["low contrast", "medium contrast", "high contrast", "very high contrast"],
  brightness: ["dark", "normal brightness", "bright", "very bright"],
  sharpness: ["blurry", "slightly sharp", "sharp", "very sharp"],
  dynamicColours: ["static colors", "medium dynamic colors", "high dynamic colors", "very dynamic colors"],
  colourfulness: ["monotonic color", "medium colorfulness", "high colorfulness", "very high colorfulness"],
  saturation: ["muted colors", "average colors", "vibrant colors", "very vibrant colors"],
} as const;

/** A family is named as the measure that it goes by. */
export type ControlFamily = keyof typeof CONTROL_FAMILIES;

export type ControlToken = (typeof CONTROL_FAMILIES)[ControlFamily][number];

export const CONTROL_FAMILY_NAMES = Object.keys(CONTROL_FAMILIES) as ControlFamily[];

/** Three cuts part a family's measure into its four tokens: a value is past a cut when it is greater. */
export type Cuts = [number, number, number];

/** Where the tokens of each family begin: plain data, kept as JSON. */
export type ControlThresholds = {
  format: "illustrious.control-thresholds";
  version: 1;
  /** Of the set that they were fitted to. */
  name: string;
  /** How many pictures that set had. */
  pictures: number;
  /** Long side in pixels at which the pictures were measured, and at which others must be. */
  workingSide: number;
  /** The shares of the set below the three cuts. */
  quantiles: Cuts;
  cuts: Record<ControlFamily, Cuts>;
};

/** As much of a picture's measures as its tokens go by. */
export type ControlMeasures = Pick<ColourMeasures, ControlFamily | "workingSide">;

export type FitOptions = {
  name: string;
  /** By default a quarter of the set gets the first token and a tenth the last: the extremes should mean something. */
  quantiles?: Cuts;
};

export const DEFAULT_QUANTILES: Readonly<Cuts> = [0.25, 0.6, 0.9];

/**
 * Fits the cuts of every family to a set of measured pictures, by quantiles.
 *
 * @throws IllustriousError `bad_option` for an empty set, one measured at several working sizes, or quantiles that do not rise in (0, 1)
 */
export function fitThresholds(set: Iterable<ControlMeasures>, options: FitOptions): ControlThresholds {
  const shares: Cuts = options.quantiles ?? [...DEFAULT_QUANTILES];
  const rising = shares.length === 3 && shares.every((q, i) => q > (shares[i - 1] ?? 0) && q < 1);
  if (!rising) {
    throw new IllustriousError(
      "bad_option",
      `quantiles [${shares.join(", ")}]`,
      "Give three that rise between 0 and 1.",
    );
  }
  const all = [...set];
  const workingSide = all[0]?.workingSide;
  if (workingSide === undefined) {
    throw new IllustriousError("bad_option", `no pictures to fit "${options.name}" to`, "Measure some pictures first.");
  }
  const other = all.find((measures) => measures.workingSide !== workingSide);
  if (other) throw sidesDiffer(other.workingSide, workingSide);
  const cutsOf = (family: ControlFamily) =>
    quantiles(
      all.map((measures) => measures[family]),
      shares,
    ) as Cuts;
  return {
    format: "illustrious.control-thresholds",
    version: 1,
    name: options.name,
    pictures: all.length,
    workingSide,
    quantiles: shares,
    cuts: Object.fromEntries(CONTROL_FAMILY_NAMES.map((family) => [family, cutsOf(family)])) as Record<
      ControlFamily,
      Cuts
    >,
  };
}

/** Of fewer pictures, the last token would be that of three at most. */
export const FEWEST_PICTURES = 40;

/** Whether thresholds can part a family. Values that tie lie below a cut together, so where cuts tie, too, the first token takes them all. */
export function canPart(
  { cuts, pictures }: Pick<ControlThresholds, "cuts" | "pictures">,
  family: ControlFamily,
): boolean {
  const [low, middle, high] = cuts[family];
  return pictures >= FEWEST_PICTURES && low < middle && middle < high;
}

/** Which of a family's four a picture gets, 0 to 3. @throws IllustriousError `bad_option` when measured at another working size */
export function controlLevel(measures: ControlMeasures, thresholds: ControlThresholds, family: ControlFamily): number {
  if (measures.workingSide !== thresholds.workingSide) throw sidesDiffer(measures.workingSide, thresholds.workingSide);
  const value = measures[family];
  let level = 0;
  for (const cut of thresholds.cuts[family]) if (value > cut) level++;
  return level;
}

/**
 * A picture's control tokens, one a family, in the families' order.
 *
 * @param which "outer" leaves out the two middle tokens of each family, so that only what stands out is said
 * @throws IllustriousError `bad_option` when measured at another working size than the thresholds
 */
export function tokensOf(
  measures: ControlMeasures,
  thresholds: ControlThresholds,
  which: "all" | "outer" = "all",
): ControlToken[] {
  return CONTROL_FAMILY_NAMES.flatMap((family) => {
    const level = controlLevel(measures, thresholds, family);
    return which === "outer" && level !== 0 && level !== 3 ? [] : [CONTROL_FAMILIES[family][level]!];
  });
}

function sidesDiffer(one: number, other: number): IllustriousError {
  return new IllustriousError(
    "bad_option",
    `measured at a working size of ${one}, compared with ${other}`,
    "Sharpness and contrast change with the size: measure both at the same one.",
  );
}
