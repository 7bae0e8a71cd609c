/** @file One panel of a chart: frame, grid, ticks and curves. Several make a figure. */

import { type Box, curvePath, type Point } from "./curve.ts";
import type { Scale } from "./scales.ts";
import { element, label, place } from "./svg.ts";

export type Curve = {
  /** Of `palette.ts`: a colour, and what else it needs. */
  style: string;
  xs: ArrayLike<number>;
  ys: ArrayLike<number>;
};

export type Panel = {
  box: Box;
  x: Scale;
  y: Scale;
  /** What is measured, with its unit. Stands above the panel. */
  name: string;
  curves: readonly Curve[];
  /** Whether x's values are written below. */
  written?: boolean;
  /** Markup behind the curves and before them. */
  behind?: string;
  before?: string;
};

export function drawPanel({ box, x, y, name, curves, written = true, behind = "", before = "" }: Panel): string {
  const bottom = box.y + box.height;
  const right = box.x + box.width;
  const across = y.ticks.map(({ value, text }) => {
    const at = box.y + (1 - y.at(value)) * box.height;
    return line(box.x, at, right, at) + label(box.x - 7, at + 4, text, { "text-anchor": "end", class: "small faint" });
  });
  const upright = x.ticks.map(({ value, text }) => {
    const at = box.x + x.at(value) * box.width;
    const below = written ? label(at, bottom + 16, text, { "text-anchor": "middle", class: "small faint" }) : "";
    return line(at, box.y, at, bottom) + below;
  });
  const drawn = curves.map(({ style, xs, ys }) => {
    const points: Point[] = Array.from(xs, (value, i) => [x.at(value), y.at(ys[i]!)]);
    return element("path", { class: `curve ${style}`, d: curvePath(points, box) });
  });
  const { width, height } = box;
  const frame = element("rect", { class: "edge", x: box.x, y: box.y, width, height });
  return [
    label(box.x, box.y - 8, name, { class: "name" }),
    behind,
    ...across,
    ...upright,
    frame,
    ...drawn,
    before,
  ].join("\n");
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return element("path", { class: "grid", d: `M${place(x1)} ${place(y1)}L${place(x2)} ${place(y2)}` });
}
