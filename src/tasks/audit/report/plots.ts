/** @file Plots of a report's page, as SVG in the page. Their colours are classes of the page's style. */

import { hueSectors } from "../../../colour/index.ts";
import type { Spread } from "../../../data/audit/spread.ts";
import { linearScale, tickText } from "../../../trainer/plot/scales.ts";
import { element, label } from "../../../trainer/plot/svg.ts";
import { percent, short } from "./page-text.ts";

/** A value that something begins at: a control token, or one of the report's own rules. */
export type Mark = { readonly value: number; readonly text: string; readonly kind: "cut" | "rule" };

const WIDTH = 460;
const LEFT = 6;
const RIGHT = WIDTH - 6;
const TOP = 34;
const BASE = 142;
const BOX = 154;

/** A histogram with its quantiles below it: a box from 25 to 75 %, a line from 5 to 95 %. */
export function spreadPlot(name: string, spread: Spread, marks: readonly Mark[]): string {
  const { from, to, scale, counts } = spread.histogram;
  const where = scale === "log" ? Math.log1p : (value: number) => value;
  const at = (value: number) => {
    const share = (where(value) - where(from)) / (where(to) - where(from));
    return LEFT + (RIGHT - LEFT) * Math.min(1, Math.max(0, share));
  };
  const highest = Math.max(...counts);
  const step = (RIGHT - LEFT) / counts.length;
  const bars = counts.map((count, i) => {
    const height = count === 0 ? 0 : Math.max(1.5, ((BASE - TOP) * count) / highest);
    return element("rect", { class: "b", x: LEFT + step * i + 0.5, y: BASE - height, width: step - 1, height });
  });
  const ticks = scale === "log" ? logTicks(to) : linearScale(from, to, 6).ticks;
  const axis = ticks.map(({ value, text }) => {
    const x = at(value);
    const anchor = x < LEFT + 12 ? "start" : x > RIGHT - 12 ? "end" : "middle";
    const line = element("line", { class: "axis", x1: x, x2: x, y1: BASE, y2: BASE + 4 });
    return line + label(x, BASE + 38, text, { "text-anchor": anchor, class: "tick" });
  });
  const { 5: q5, 25: q25, 50: q50, 75: q75, 95: q95 } = spread.quantiles;
  const box = [
    element("line", { class: "axis", x1: at(q5), x2: at(q95), y1: BOX, y2: BOX }),
    element("rect", { class: "box", x: at(q25), y: BOX - 5, width: Math.max(1, at(q75) - at(q25)), height: 10 }),
    element("line", { class: "box", x1: at(q50), x2: at(q50), y1: BOX - 5, y2: BOX + 5, "stroke-width": 2.5 }),
  ];
  const lines = marks.map(({ value, text, kind }) => {
    const x = at(value);
    const y = kind === "rule" ? 11 : 25;
    const anchor = x > WIDTH - 70 ? "end" : x < 70 ? "start" : "middle";
    const line = element("line", { class: kind, x1: x, x2: x, y1: y + 3, y2: BASE });
    return line + label(x, y, text, { class: `${kind}text`, "text-anchor": anchor });
  });
  const ground = element("line", { class: "axis", x1: LEFT, x2: RIGHT, y1: BASE, y2: BASE });
  const title = `${name}: median ${short(q50)}, from ${short(q5)} to ${short(q95)} for nine in ten`;
  return picture(WIDTH, 186, title, [...bars, ground, ...axis, ...box, ...lines]);
}

function logTicks(to: number): { value: number; text: string }[] {
  const values = [0, ...Array.from({ length: 6 }, (_, i) => 10 ** i)].filter((value) => value <= to);
  return values.map((value) => ({ value, text: tickText(value) }));
}

const HUE_WIDTH = 720;
const HUE_BASE = 200;

/** Shares of 36 hues, each in its own colour. */
export function huePlot(hues: readonly number[]): string {
  const highest = Math.max(...hues, Number.MIN_VALUE);
  const step = HUE_WIDTH / hues.length;
  const bars = hues.map((share, i) => {
    const height = Math.max(share > 0 ? 1.5 : 0, ((HUE_BASE - 10) * share) / highest);
    const place = { x: step * i + 0.5, y: HUE_BASE - height, width: step - 1, height };
    return element("rect", { fill: `hsl(${10 * i} 75% 50%)`, ...place });
  });
  const sectors = hueSectors(hues);
  const texts = sectors.map(({ name }, i) => label(6 * i * step, HUE_BASE + 16, name, { class: "tick" }));
  const ground = element("line", { class: "axis", x1: 0, x2: HUE_WIDTH, y1: HUE_BASE, y2: HUE_BASE });
  const sums = sectors.map(({ name, share }) => `from ${name} ${percent(share)}`);
  return picture(HUE_WIDTH, HUE_BASE + 22, `Hues: ${sums.join(", ")}`, [...bars, ground, ...texts]);
}

/** Side of a cell of the grid of vivid shares. */
const CELL = 90;

/** The picture's nine cells, the more coloured the more vivid pixels they have. */
export function vividPlot(grid: readonly number[]): string {
  const highest = Math.max(...grid, Number.MIN_VALUE);
  const cells = grid.map((share, cell) => {
    const [x, y] = [CELL * (cell % 3), CELL * Math.floor(cell / 3)];
    const fill = { class: "b", "fill-opacity": 0.05 + (0.5 * share) / highest };
    const box = element("rect", { ...fill, x: x + 1, y: y + 1, width: CELL - 2, height: CELL - 2, rx: 4 });
    return box + label(x + CELL / 2, y + CELL / 2 + 4, percent(share), { "text-anchor": "middle" });
  });
  return picture(3 * CELL, 3 * CELL, `Vivid pixels from the top left: ${grid.map(percent).join(", ")}`, cells);
}

function picture(width: number, height: number, title: string, parts: readonly string[]): string {
  const attributes = { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title };
  return element("svg", attributes, ...parts);
}
