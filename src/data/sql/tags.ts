/** @file Tags of captions' first lines, by how much more or less frequent they are in one audit than in another. */

import type { AuditFigures } from "../audit/index.ts";

/** Images with the tag. */
export type TagChange = { readonly tag: string; readonly a: number; readonly b: number };

export type TagComparison = {
  /** More frequent in the second audit, by the difference of its shares of captioned images; the largest first. */
  readonly more: readonly TagChange[];
  readonly fewer: readonly TagChange[];
};

/** Each way. */
const MOST = 50;

type Side = Pick<AuditFigures, "tags" | "counts">;

export function compareTags(a: Side, b: Side): TagComparison {
  const [inA, inB] = [a, b].map(({ counts }) => Math.max(1, counts.captions.with)) as [number, number];
  const changes = new Map(a.tags.map(([tag, images]) => [tag, { tag, a: images, b: 0 }]));
  for (const [tag, images] of b.tags) changes.set(tag, { tag, a: changes.get(tag)?.a ?? 0, b: images });
  const risen = [...changes.values()].map((change) => ({ change, rise: change.b / inB - change.a / inA }));
  const first = (sign: 1 | -1) =>
    risen
      .filter(({ rise }) => sign * rise > 0)
      .sort((x, y) => sign * (y.rise - x.rise) || (x.change.tag < y.change.tag ? -1 : 1))
      .slice(0, MOST)
      .map(({ change }) => change);
  return { more: first(1), fewer: first(-1) };
}
