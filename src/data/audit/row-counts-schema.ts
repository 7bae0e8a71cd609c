/** @file The counts of a report as a file has them, checked: whoever hands an audit on may have written anything into it. */

import { z } from "zod";
import { CONTROL_FAMILY_NAMES } from "../../colour/index.ts";
import type { RowCounts } from "./row-counts.ts";
import { MEASURES } from "./spread-ranges.ts";

const count = z.int().min(0);
const number = z.number();
const text = z.string().nullable();
const maybeCount = count.nullable();

const spread = z
  .object({
    ...{ count, least: number, mean: number, most: number },
    quantiles: z.object({ 1: number, 5: number, 25: number, 50: number, 75: number, 95: number, 99: number }),
    histogram: z.object({ from: number, to: number, scale: z.enum(["linear", "log"]), counts: z.array(count) }),
  })
  .optional();

const images = z.array(
  z.object({
    ...{ id: count, source: z.string(), member: text, memberNumber: maybeCount, bytes: maybeCount },
    ...{
      mtimeMs: number.nullable(),
      sha256: text,
      width: maybeCount,
      height: maybeCount,
      caption: text,
      value: number,
    },
  }),
);

const counts = z.object({
  ...{ images: count, measured: count },
  errors: z.record(z.string(), count),
  formats: z.record(z.string(), count),
  marks: z.object({
    ...{ greyscale: count, withAlpha: count, withProfile: count, animated: count, colourful: count, dark: count },
    ...{ nearBlack: count, nearWhite: count, blank: count, whiteGround: count, blackGround: count },
  }),
  measures: z.record(z.enum(MEASURES), spread),
  hues: z.array(number),
  vividGrid: z.array(number),
  cuts: z.record(z.enum(CONTROL_FAMILY_NAMES), z.tuple([number, number, number])).optional(),
  extremes: z.record(z.enum(MEASURES), z.object({ lowest: images, highest: images })),
  coverage: z.array(z.object({ side: count, images: count })),
  aspect: spread,
  orientations: z.object({ portrait: count, landscape: count, square: count }),
  buckets: z.array(
    z.object({
      ...{ side: count, enlarged: count },
      buckets: z.array(z.object({ width: count, height: count, images: count })),
    }),
  ),
  shapes: z.object({
    shapes: z.array(z.string()),
    areas: z.array(z.object({ side: count, images: z.array(count) })),
  }),
  captions: z.object({
    ...{ with: count, without: count, unreadable: count, uncountable: count },
    ...{ words: spread, firstLineWords: spread, tokens: spread },
    chunks: z.array(z.object({ tokens: count, captions: count })),
    tags: z.array(z.object({ tag: z.string(), images: count })),
  }),
});

/** JSON has no undefined: what there is none of is left out there. */
export const rowCounts = counts.transform((found) => found as RowCounts);
