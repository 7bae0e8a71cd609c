/** @file A curve as an SVG path: gaps where there is no value, and no more points than a screen has columns. */

import { place } from "./svg.ts";

export type Box = { x: number; y: number; width: number; height: number };

/** A point in a box: both from 0 to 1, y upwards. NaN makes a gap. */
export type Point = readonly [x: number, y: number];

/** The `d` of a path through points. What lies above or below the box is drawn on its edge. */
export function curvePath(points: readonly Point[], box: Box): string {
  let drawn = false;
  const parts: string[] = [];
  for (const [i, [x, y]] of points.entries()) {
    if (Number.isNaN(x) || Number.isNaN(y)) {
      drawn = false;
      continue;
    }
    const at = `${place(box.x + x * box.width)} ${place(heightOf(y, box))}`;
    const next = points[i + 1]?.[1];
    // A point between two gaps is no line, but round ends make a dot of a line to itself.
    const alone = !drawn && (next === undefined || Number.isNaN(next));
    parts.push(alone ? `M${at}L${at}` : `${drawn ? "L" : "M"}${at}`);
    drawn = true;
  }
  return parts.join("");
}

export function heightOf(y: number, box: Box): number {
  return box.y + (1 - Math.min(Math.max(y, 0), 1)) * box.height;
}

/**
 * The first, least, greatest and last of each of `columns` parts of a series: a hundred thousand points look as
 * before, spikes included. The series is as long as `xs` and `ys`, and `xs` rise.
 */
export function thinned(xs: ArrayLike<number>, ys: ArrayLike<number>, columns: number): [x: number, y: number][] {
  const points: [number, number][] = [];
  if (xs.length <= 4 * columns) {
    for (let i = 0; i < xs.length; i++) points.push([xs[i]!, ys[i]!]);
    return points;
  }
  for (let column = 0; column < columns; column++) {
    const from = Math.floor((column * xs.length) / columns);
    const to = Math.floor(((column + 1) * xs.length) / columns);
    let [least, greatest] = [from, from];
    let gap = -1;
    for (let i = from; i < to; i++) {
      if (Number.isNaN(ys[i]!)) gap = i;
      if (!(ys[i]! >= ys[least]!)) least = i;
      if (!(ys[i]! <= ys[greatest]!)) greatest = i;
    }
    const chosen = new Set([from, least, greatest, to - 1].sort((a, b) => a - b));
    // A gap within a column stays visible only if the whole column is one; its neighbours join up otherwise.
    for (const i of chosen) if (i !== gap || from === to - 1) points.push([xs[i]!, ys[i]!]);
  }
  return points;
}
