/** @file What a report says of an audit's rows, counted one by one in whatever order they come. */

import {
  CONTROL_FAMILY_NAMES,
  type ControlFamily,
  type ControlThresholds,
  type Cuts,
  DEFAULT_QUANTILES,
  HUE_BINS,
} from "../../colour/index.ts";
import { type AreaBuckets, bucketCounter, type ShapeCounts, SIDES } from "./bucket-counts.ts";
import { type CountTokens, captionCounter } from "./caption-counts.ts";
import { exactSums } from "./exact-sums.ts";
import { type Extremes, extremeCounter } from "./extremes.ts";
import type { AuditFault, AuditRow } from "./row.ts";
import type { Spread, SpreadCounter } from "./spread.ts";
import { countSpread, MEASURES, type Measure, type SpreadName } from "./spread-ranges.ts";

export type RowCounts = {
  /** Without the rows of `bad_source`, which are no images: of them there is only the number, in `errors`. */
  readonly images: number;
  readonly measured: number;
  readonly errors: Readonly<Partial<Record<AuditFault, number>>>;
  /** Images of each format. */
  readonly formats: Readonly<Record<string, number>>;
  /** Images that are so. */
  readonly marks: {
    readonly greyscale: number;
    readonly withAlpha: number;
    readonly withProfile: number;
    readonly animated: number;
    /** The article's rule. */
    readonly colourful: number;
    /** Mean luma below 64. */
    readonly dark: number;
    /** Mean luma below 16, above 239. */
    readonly nearBlack: number;
    readonly nearWhite: number;
    /** A contrast below 0.01: hardly anything to see. */
    readonly blank: number;
    /** A quarter or more of the pixels exactly white, black. */
    readonly whiteGround: number;
    readonly blackGround: number;
  };
  readonly measures: Readonly<Record<Measure, Spread | undefined>>;
  /** Mean share of chroma in each of 36 hues, of the images that have any. */
  readonly hues: readonly number[];
  /** Mean share of vivid pixels in each cell of 3 x 3, row by row from the top left; all images count. */
  readonly vividGrid: readonly number[];
  /** Where the control tokens of each family begin if they are fitted to this set. None without measures. */
  readonly cuts: ControlThresholds["cuts"] | undefined;
  /** The images at both ends of each measure. */
  readonly extremes: Readonly<Record<Measure, Extremes>>;
  /** Images with at least as many pixels as a square of this side. */
  readonly coverage: readonly { readonly side: number; readonly images: number }[];
  /** Width over height. */
  readonly aspect: Spread | undefined;
  /** Of width and height, one is larger by a tenth and more, or neither is. */
  readonly orientations: { readonly portrait: number; readonly landscape: number; readonly square: number };
  /** The training sizes that images would get at the area of each square of `coverage`. */
  readonly buckets: readonly AreaBuckets[];
  /** By the largest area that an image fills, and by shape. */
  readonly shapes: ShapeCounts;
  readonly captions: {
    readonly with: number;
    readonly without: number;
    readonly unreadable: number;
    /** Words of whole captions, and of their first lines. */
    readonly words: Spread | undefined;
    readonly firstLineWords: Spread | undefined;
    /** Tokens of first lines, without start and end tokens: further lines are other captions, one of which is read. */
    readonly tokens: Spread | undefined;
    /** First lines of at most so many tokens: one, two and three chunks. */
    readonly chunks: readonly { readonly tokens: number; readonly captions: number }[];
    /** Captions whose tokens cannot be counted: a word of them has tens of thousands of letters. */
    readonly uncountable: number;
    /** Of first lines, the 50 most frequent. */
    readonly tags: readonly { readonly tag: string; readonly images: number }[];
  };
};

/** Bounds of marks: of mean luma, 0 to 255, and of contrast, 0 to 0.5. */
export const MARK_BOUNDS = { nearBlack: 16, nearWhite: 239, blank: 0.01 } as const;

/** What is counted of a row. */
export const COUNTED_FIELDS = [
  ...["id", "source", "member", "memberNumber", "bytes", "mtimeMs", "sha256", "format", "width", "height", "frames"],
  ...["hasProfile", "hasAlpha", "greyscale", "colourful", "hues", "vividGrid", "whiteShare", "blackShare"],
  ...["caption", "captionError", "error", ...MEASURES],
] as readonly (keyof AuditRow)[];

/** Of the picture's nine parts. */
const CELLS = 9;

export type RowCounter = {
  add(row: AuditRow): void;
  result(): {
    readonly counts: RowCounts;
    readonly spreads: Readonly<Record<SpreadName, SpreadCounter>>;
    /** Of first lines, the most frequent first. */
    readonly tags: readonly (readonly [tag: string, images: number])[];
  };
};

export function rowCounter(countTokens: CountTokens): RowCounter {
  const captions = captionCounter(countTokens);
  const measures = MEASURES.map((name) => [name, countSpread(name)] as const);
  const spreads = {
    ...(Object.fromEntries(measures) as Record<Measure, SpreadCounter>),
    ...{ aspect: countSpread("aspect"), ...captions.spreads },
  };
  const buckets = bucketCounter();
  const extremes = extremeCounter();
  const marks = {
    greyscale: 0,
    withAlpha: 0,
    withProfile: 0,
    animated: 0,
    colourful: 0,
    dark: 0,
    nearBlack: 0,
    nearWhite: 0,
    blank: 0,
    whiteGround: 0,
    blackGround: 0,
  };
  const orientations = { portrait: 0, landscape: 0, square: 0 };
  const formats: Record<string, number> = {};
  const errors: Partial<Record<AuditFault, number>> = {};
  const hues = exactSums(HUE_BINS);
  const vivid = exactSums(CELLS);
  const atLeast = SIDES.map((side) => ({ side, images: 0 }));
  let images = 0;
  let measured = 0;
  let coloured = 0;

  function addMeasures(row: AuditRow): void {
    measured++;
    const size = { width: row.width!, height: row.height! };
    for (const [name, spread] of measures) spread.add(row[name]!);
    extremes.add(row);
    buckets.add(size);
    spreads.aspect.add(size.width / size.height);
    orientations[orientationOf(size.width / size.height)]++;
    for (const one of atLeast) if (size.width * size.height >= one.side ** 2) one.images++;
    if (row.greyscale) marks.greyscale++;
    if (row.hasAlpha) marks.withAlpha++;
    if (row.hasProfile) marks.withProfile++;
    if (row.frames! > 1) marks.animated++;
    if (row.colourful) marks.colourful++;
    if (row.brightness! < 64) marks.dark++;
    if (row.brightness! < MARK_BOUNDS.nearBlack) marks.nearBlack++;
    if (row.brightness! > MARK_BOUNDS.nearWhite) marks.nearWhite++;
    if (row.contrast! < MARK_BOUNDS.blank) marks.blank++;
    if (row.whiteShare! >= 0.25) marks.whiteGround++;
    if (row.blackShare! >= 0.25) marks.blackGround++;
    // As the table has them.
    for (const [cell, share] of row.vividGrid!.entries()) vivid.add(cell, Math.fround(share));
    if (row.hues!.every((share) => share === 0)) return;
    coloured++;
    for (const [bin, share] of row.hues!.entries()) hues.add(bin, Math.fround(share));
  }

  return {
    add(row: AuditRow): void {
      if (row.error !== "bad_source") {
        images++;
        captions.add(row);
      }
      if (row.format !== null) formats[row.format] = (formats[row.format] ?? 0) + 1;
      if (row.error === null) addMeasures(row);
      else errors[row.error] = (errors[row.error] ?? 0) + 1;
    },
    result() {
      const told = captions.result();
      const counts = {
        ...{ images, measured, errors: sorted(errors), formats: sorted(formats), marks },
        measures: Object.fromEntries(
          measures.map(([name, spread]) => [name, spread.result()]),
        ) as RowCounts["measures"],
        cuts: measured === 0 ? undefined : cutsOf(spreads),
        extremes: extremes.result(),
        hues: Array.from({ length: HUE_BINS }, (_, bin) => (coloured === 0 ? 0 : hues.of(bin) / coloured)),
        vividGrid: Array.from({ length: CELLS }, (_, cell) => (measured === 0 ? 0 : vivid.of(cell) / measured)),
        coverage: atLeast,
        ...{ aspect: spreads.aspect.result(), orientations, buckets: buckets.areas(), shapes: buckets.shapes() },
        captions: told.captions,
      };
      return { counts, spreads, tags: told.tags };
    },
  };
}

/** Its keys in their order, whatever order they came in. */
function sorted<T extends object>(counts: T): T {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1))) as T;
}

function cutsOf(spreads: Readonly<Record<ControlFamily, SpreadCounter>>): ControlThresholds["cuts"] {
  const cuts = CONTROL_FAMILY_NAMES.map((family) => {
    return [family, DEFAULT_QUANTILES.map((share) => spreads[family].quantile(share)!) as Cuts];
  });
  return Object.fromEntries(cuts) as ControlThresholds["cuts"];
}

function orientationOf(aspect: number): "portrait" | "landscape" | "square" {
  if (aspect >= 1.1) return "landscape";
  return aspect <= 1 / 1.1 ? "portrait" : "square";
}
