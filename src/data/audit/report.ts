/**
 * @file An audit's table in figures: how its measures are spread, what sizes and captions there are, what has no measures. One walk
 * over the shards, with counters only.
 */

import { HUE_BINS } from "../../colour/index.ts";
import { finishedTable } from "./audit-folder.ts";
import { MEASURES, type Measure, measureSpreads } from "./measure-spreads.ts";
import type { AuditFault, AuditRow } from "./row.ts";
import { readFields } from "./shards.ts";
import { type Spread, spreadCounter } from "./spread.ts";
import { tagCounter } from "./tag-counts.ts";

/** Sides of squares whose area images are compared with, in pixels. */
const SIDES = [256, 512, 768, 1024, 1280, 1536, 2048] as const;

export type AuditReport = {
  readonly format: "illustrious.audit-report";
  readonly version: 1;
  readonly paths: readonly string[];
  readonly workingSide: number;
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
    /** Mean luma below 16, above 239. */
    readonly nearBlack: number;
    readonly nearWhite: number;
    /** A contrast below 0.01: hardly anything to see. */
    readonly blank: number;
  };
  readonly measures: Readonly<Record<Measure, Spread | undefined>>;
  /** Mean share of chroma in each of 36 hues, of the images that have any. */
  readonly hues: readonly number[];
  /** Images with at least as many pixels as a square of this side. */
  readonly coverage: readonly { readonly side: number; readonly images: number }[];
  /** Width over height. */
  readonly aspect: Spread | undefined;
  readonly captions: {
    readonly with: number;
    readonly without: number;
    readonly unreadable: number;
    /** Words of whole captions, and of their first lines. */
    readonly words: Spread | undefined;
    readonly firstLineWords: Spread | undefined;
    /** Of first lines, the 50 most frequent. */
    readonly tags: readonly { readonly tag: string; readonly images: number }[];
  };
  readonly nearDuplicates: { readonly groups: number; readonly images: number };
};

const FIELDS = [
  ...["format", "width", "height", "frames", "hasProfile", "hasAlpha", "greyscale", "colourful", "hues"],
  ...["caption", "captionError", "error", ...MEASURES],
] as readonly (keyof AuditRow)[];

/**
 * @param out the folder of a complete audit
 * @throws IllustriousError `missing_file` when there is none; `bad_file` for a damaged one
 */
export async function reportOn(out: string): Promise<AuditReport> {
  const { manifest, shards } = await finishedTable(out);
  const counted = counters();
  for (const path of shards) for (const row of await readFields(path, FIELDS)) counted.add(row as AuditRow);
  const { paths, settings, groups = 0, grouped = 0 } = manifest;
  return {
    ...{ format: "illustrious.audit-report", version: 1, paths, workingSide: settings.workingSide },
    ...counted.result(),
    nearDuplicates: { groups, images: grouped },
  };
}

function counters() {
  const spreads = measureSpreads();
  const aspect = spreadCounter(0, 4);
  const words = spreadCounter(0, 5000, "log");
  const firstLineWords = spreadCounter(0, 5000, "log");
  const tags = tagCounter();
  const marks = {
    greyscale: 0,
    withAlpha: 0,
    withProfile: 0,
    animated: 0,
    colourful: 0,
    nearBlack: 0,
    nearWhite: 0,
    blank: 0,
  };
  const captions = { with: 0, without: 0, unreadable: 0 };
  const formats: Record<string, number> = {};
  const errors: Partial<Record<AuditFault, number>> = {};
  const hues = new Float64Array(HUE_BINS);
  const atLeast = SIDES.map((side) => ({ side, images: 0 }));
  let images = 0;
  let measured = 0;
  let coloured = 0;

  function addCaption({ caption, captionError }: AuditRow): void {
    if (captionError !== null) captions.unreadable++;
    else if (caption === null || caption === "") captions.without++;
    else {
      captions.with++;
      words.add(wordsIn(caption));
      firstLineWords.add(wordsIn(caption.split("\n", 1)[0]!));
      tags.add(caption);
    }
  }

  function addMeasures(row: AuditRow): void {
    measured++;
    for (const name of MEASURES) spreads[name].add(row[name]!);
    aspect.add(row.width! / row.height!);
    for (const one of atLeast) if (row.width! * row.height! >= one.side ** 2) one.images++;
    if (row.greyscale) marks.greyscale++;
    if (row.hasAlpha) marks.withAlpha++;
    if (row.hasProfile) marks.withProfile++;
    if (row.frames! > 1) marks.animated++;
    if (row.colourful) marks.colourful++;
    if (row.brightness! < 16) marks.nearBlack++;
    if (row.brightness! > 239) marks.nearWhite++;
    if (row.contrast! < 0.01) marks.blank++;
    if (row.hues!.every((share) => share === 0)) return;
    coloured++;
    for (const [bin, share] of row.hues!.entries()) hues[bin]! += share;
  }

  return {
    add(row: AuditRow): void {
      images++;
      addCaption(row);
      if (row.format !== null) formats[row.format] = (formats[row.format] ?? 0) + 1;
      if (row.error === null) addMeasures(row);
      else errors[row.error] = (errors[row.error] ?? 0) + 1;
    },
    result: () => ({
      ...{ images, measured, errors, formats, marks },
      measures: Object.fromEntries(MEASURES.map((name) => [name, spreads[name].result()])) as AuditReport["measures"],
      hues: Array.from(hues, (share) => (coloured === 0 ? 0 : share / coloured)),
      coverage: atLeast,
      aspect: aspect.result(),
      captions: { ...captions, words: words.result(), firstLineWords: firstLineWords.result(), tags: tags.top(50) },
    }),
  };
}

function wordsIn(text: string): number {
  return text.split(/[\s,]+/).filter((word) => word !== "").length;
}
