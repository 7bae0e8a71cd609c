/** @file The images at both ends of each measure: a short list each, whatever the number of images, and the order in which they come. */

import type { AuditRow } from "./row.ts";
import { MEASURES, type Measure } from "./spread-ranges.ts";

/** An image and what is needed to find it again and to see that it is still the same. */
export type ExtremeImage = Pick<
  AuditRow,
  "id" | "source" | "member" | "memberNumber" | "bytes" | "mtimeMs" | "sha256" | "width" | "height" | "caption"
> & { readonly value: number };

/** The lowest first, and the highest first; of equal values the first by `id`, and of equal files one. */
export type Extremes = { readonly lowest: readonly ExtremeImage[]; readonly highest: readonly ExtremeImage[] };

export type ExtremeCounter = {
  add(row: AuditRow): void;
  result(): Readonly<Record<Measure, Extremes>>;
};

/** Images an end. */
const EACH = 6;

/** Letters of a caption that are kept. */
const MOST_CAPTION = 300;

export function extremeCounter(): ExtremeCounter {
  const ends = MEASURES.map((measure) => ({ measure, lowest: newEnd(1), highest: newEnd(-1) }));
  return {
    add(row) {
      for (const { measure, lowest, highest } of ends) {
        lowest.add(row, row[measure]!);
        highest.add(row, row[measure]!);
      }
    },
    result: () =>
      Object.fromEntries<Extremes>(
        ends.map(({ measure, lowest, highest }) => [measure, { lowest: lowest.images, highest: highest.images }]),
      ) as Record<Measure, Extremes>,
  };
}

/** @param sign 1 for the lowest values, -1 for the highest */
function newEnd(sign: 1 | -1): { readonly images: ExtremeImage[]; add(row: AuditRow, value: number): void } {
  const images: ExtremeImage[] = [];
  return {
    images,
    add(row, value) {
      /** Below 0 for one that stands before the row. */
      const order = (image: ExtremeImage) => sign * (image.value - value) || image.id - row.id;
      const last = images[EACH - 1];
      if (last !== undefined && order(last) <= 0) return;
      const same = row.sha256 === null ? -1 : images.findIndex(({ sha256 }) => sha256 === row.sha256);
      if (same >= 0 && order(images[same]!) <= 0) return;
      if (same >= 0) images.splice(same, 1);
      const at = images.findIndex((image) => order(image) > 0);
      images.splice(at < 0 ? images.length : at, 0, imageOf(row, value));
      images.length = Math.min(images.length, EACH);
    },
  };
}

function imageOf(row: AuditRow, value: number): ExtremeImage {
  const { id, source, member, memberNumber, bytes, mtimeMs, sha256, width, height } = row;
  const caption = row.caption?.slice(0, MOST_CAPTION) ?? null;
  return { id, source, member, memberNumber, bytes, mtimeMs, sha256, width, height, caption, value };
}
