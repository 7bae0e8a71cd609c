/** @file The charts of a run's page. */

import { thinned } from "../plot/curve.ts";
import { RAMP, SERIES } from "../plot/palette.ts";
import { type Curve, drawPanel } from "../plot/panel.ts";
import { figure, linearScale, logScale, type Scale } from "../plot/scales.ts";
import { element, escapeMarkup } from "../plot/svg.ts";
import type { RunHistory } from "./history.ts";
import type { Series } from "./series.ts";

const WIDTH = 640;
const HEIGHT = 250;
const BOX = { x: 58, y: 28, width: 568, height: 186 };

type Line = { name: string; style: string; series: Series };
type Chart = { name: string; lines: Line[]; y: Scale };

/** Each as an element of its own, with a legend where there are several curves. */
export function runCharts(history: RunHistory): string[] {
  const { loss, smoothedLoss, gradientNorm, learningRates, bins, figures } = history;
  const charts: Chart[] = [];
  const add = (name: string, lines: Line[], scale: (lines: Line[]) => Scale) => {
    const filled = lines.filter(({ series }) => series.values.some(Number.isFinite));
    if (filled.length > 0) charts.push({ name, lines: filled, y: scale(filled) });
  };
  add(
    "Loss",
    [
      { name: "each step", style: "s0 thin", series: loss },
      { name: "smoothed", style: "s0", series: smoothedLoss },
    ],
    (lines) => usualRange(lines.map(({ series }) => series)),
  );
  add("Loss by noise level, smoothed", bins.map(binLine), (lines) => usualRange(lines.map(({ series }) => series)));
  add("Learning rate", manyLines(learningRates), (lines) => wholeRange(lines.map(({ series }) => series)));
  add("Gradient norm, before clipping", [{ name: "gradient norm", style: "s0", series: gradientNorm }], (lines) =>
    usualRange(lines.map(({ series }) => series)),
  );
  for (const line of manyLines(figures))
    add(line.name, [{ ...line, style: "s0" }], (lines) => usualRange(lines.map((l) => l.series)));
  return charts.map((chart) => drawChart(chart, Math.max(history.step, 1)));
}

function binLine(series: Series, i: number, all: Series[]): Line {
  return { name: `${(100 * i) / all.length} to ${(100 * (i + 1)) / all.length} %`, style: `r${i % RAMP}`, series };
}

function manyLines(map: ReadonlyMap<string, Series>): Line[] {
  return [...map].map(([name, series], i) => ({ name, style: `s${i % SERIES} d${i % SERIES}`, series }));
}

function drawChart({ name, lines, y }: Chart, lastStep: number): string {
  const first = Math.min(...lines.map(({ series }) => series.steps[0]!));
  const x = linearScale(first === lastStep ? first - 1 : first, lastStep, 6);
  const curves = lines.map(({ style, series }): Curve => {
    const points = thinned(series.steps, series.values, BOX.width / 2);
    return { style, xs: points.map(([step]) => step), ys: points.map(([, value]) => value) };
  });
  const last = lines.map((line) => `${line.name}: ${figure(line.series.values.at(-1)!)}`).join(", ");
  const svg = element(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" },
    `<title>${escapeMarkup(name)}</title><desc>${escapeMarkup(`At step ${lastStep}: ${last}`)}</desc>`,
    drawPanel({ box: BOX, x, y, name, curves }),
  );
  const legend = lines.map((line) => {
    const sample = element("path", { class: `curve ${line.style}`, d: "M1 6h26" });
    const value = figure(line.series.values.at(-1)!);
    return `<span><svg width="28" height="12" aria-hidden="true">${sample}</svg> ${escapeMarkup(line.name)} <b>${value}</b></span>`;
  });
  return `<figure>${svg}<figcaption>${legend.join(" ")}</figcaption></figure>`;
}

/**
 * From the 1st to the 99th percentile of each series and its last value, so that one spike does not flatten the rest;
 * logarithmic where that is a factor of more than thirty. What lies beyond is drawn on the edge.
 */
function usualRange(series: readonly Series[]): Scale {
  const ends = series.flatMap(({ values }) => {
    // Of long runs every so many values: percentiles need no more.
    const every = Math.max(1, Math.floor(values.length / 5000));
    const sorted = values.filter((v, i) => i % every === 0 && Number.isFinite(v)).sort((a, b) => a - b);
    if (sorted.length === 0) return [];
    const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!;
    const last = values.at(-1)!;
    return [at(0.01), at(0.99), ...(Number.isFinite(last) ? [last] : [])];
  });
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  if (low > 0 && high > 30 * low) return logScale(low / 1.2, high * 1.2);
  const room = 0.08 * (high - low || Math.abs(high) || 1);
  return linearScale(low >= 0 ? Math.max(0, low - room) : low - room, high + room);
}

function wholeRange(series: readonly Series[]): Scale {
  const high = series.flatMap(({ values }) => values).reduce((a, b) => (b > a ? b : a), 0);
  return linearScale(0, 1.08 * (high || 1));
}
