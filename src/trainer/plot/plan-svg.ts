/**
 * @file A recipe before it is run, as a picture: over the noise levels how much each weighs, how often it is drawn, and
 * what share of the loss that makes; for several recipes in the same axes.
 */

import sharp from "sharp";
import { IllustriousError } from "../../base/error.ts";
import type { Plan } from "../../training/plan.ts";
import { type Box, heightOf } from "./curve.ts";
import { CHART_STYLE, SERIES } from "./palette.ts";
import { type Curve, drawPanel } from "./panel.ts";
import { bandName, type NamedPlan, percent, sharesOf, terminalOf, terminalText } from "./plan-figures.ts";
import { figure, linearScale, logScale, type Scale } from "./scales.ts";
import { element, escapeMarkup, label, place } from "./svg.ts";

const WIDTH = 960;
const LEFT = 64;
const RIGHT = 28;
const PANEL = 190;
const GAP = 46;
const ROW = 20;

/** Values of SNR that are written below; those that lie too close together are left out. */
const SNR_TICKS = [1000, 100, 30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.001];

/** The figure as a file of its own, 960 pixels wide. Throws IllustriousError `bad_option` for no plan or more than eight. */
export function planSvg(plans: readonly NamedPlan[], title = "What the recipe asks of each noise level"): string {
  if (plans.length === 0 || plans.length > SERIES) {
    throw new IllustriousError("bad_option", `${plans.length} recipes in one figure`, `Give 1 to ${SERIES}.`);
  }
  const top = 68 + plans.length * ROW;
  const boxes = [0, 1, 2].map(
    (i): Box => ({ x: LEFT, y: top + i * (PANEL + GAP), width: WIDTH - LEFT - RIGHT, height: PANEL }),
  );
  const times = linearScale(
    Math.min(...plans.map(({ plan }) => plan.t[0]!)),
    Math.max(...plans.map(({ plan }) => plan.t.at(-1)!)),
    10,
  );
  const tableTop = boxes[2]!.y + PANEL + 66;
  const height = tableTop + (plans.length + 1) * ROW + 14;
  const panels = panelsOf(plans).map(({ name, y, values }, i) => {
    const box = boxes[i]!;
    const curves = plans.map(({ plan }, k): Curve => ({ style: `s${k} d${k}`, xs: plan.t, ys: shown(values[k]!, y) }));
    const ends = plans.map((named, k) => terminalMark(named, values[k]!, times, y, box, k));
    return drawPanel({
      box,
      x: times,
      y,
      name,
      curves,
      written: i === 2,
      behind: lowSnrZone(plans[0]!, times, box, i === 0),
      before: ends.join(""),
    });
  });
  return element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      width: WIDTH,
      height,
      viewBox: `0 0 ${WIDTH} ${place(height)}`,
      role: "img",
    },
    `<title>${escapeMarkup(title)}</title><desc>${escapeMarkup(plans.map(describe).join(" "))}</desc>`,
    `<style>${CHART_STYLE}</style>`,
    element("rect", { class: "paper", width: WIDTH, height }),
    label(LEFT, 28, title, { "font-size": "16px", "font-weight": "600" }),
    ...plans.map(({ name }, k) => legendRow(name, k)),
    snrAxis(plans[0]!.plan, times, boxes[2]!),
    ...panels,
    sharesTable(plans, tableTop + 12),
  );
}

/** The figure as a PNG, `scale` pixels for one. Texts need a font on the machine; a browser shows the SVG without. */
export async function planPng(svg: string, scale = 2): Promise<Uint8Array> {
  return new Uint8Array(
    await sharp(Buffer.from(svg), { density: 72 * scale })
      .png()
      .toBuffer(),
  );
}

type PanelValues = { name: string; y: Scale; values: Float64Array[] };

function panelsOf(plans: readonly NamedPlan[]): PanelValues[] {
  const each = (values: (plan: Plan) => Float64Array) => plans.map(({ plan }) => values(plan));
  // As many times an even share: levels are many, and their shares small numbers that say nothing.
  const density = (values: Float64Array, total: number) => values.map((v) => (v * values.length) / total);
  const weight = each((plan) => plan.weight);
  const draws = each((plan) => density(plan.probability, 1));
  const loss = each((plan) => density(plan.product, plan.meanWeight));
  const weightScale = needsLog(weight) ? logAround(weight) : fromZero(weight);
  const scaleName = weightScale.low > 0 ? ", logarithmic" : "";
  return [
    { name: `Weight of the loss${scaleName}`, y: weightScale, values: weight },
    { name: "Draws, 1 is an even share", y: fromZero(draws), values: draws },
    { name: "Weight x draws: share of the loss, 1 is an even one", y: fromZero(loss), values: loss },
  ];
}

/** All finite values but the terminal level's, which has a mark of its own and may stand far out. */
function ordinary(curves: readonly Float64Array[]): number[] {
  return curves.flatMap((values) => [...values.subarray(0, -1)]).filter(Number.isFinite);
}

function needsLog(curves: readonly Float64Array[]): boolean {
  const values = ordinary(curves).filter((v) => v > 0);
  return (
    values.reduce((a, b) => Math.max(a, b), 0) > 30 * values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  );
}

/** Four decades at most: what lies below counts nothing beside the rest. */
function logAround(curves: readonly Float64Array[]): Scale {
  const values = ordinary(curves).filter((v) => v > 0);
  const high = values.reduce((a, b) => Math.max(a, b), 0);
  const low = values.reduce((a, b) => Math.min(a, b), high);
  return logScale(Math.max(low, high / 1e4) / 1.3, high * 1.6);
}

function fromZero(curves: readonly Float64Array[]): Scale {
  const high = ordinary(curves).reduce((a, b) => Math.max(a, b), 0);
  return linearScale(0, 1.12 * (high || 1));
}

/** Zero lies on the floor of a logarithmic scale too; the terminal level is drawn apart. */
function shown(values: Float64Array, y: Scale): Float64Array {
  return values.subarray(0, -1).map((v) => (Number.isFinite(v) ? Math.max(v, y.low) : Number.NaN));
}

/** Where mean colours are decided: shaded, on the first plan's levels. */
function lowSnrZone({ plan, table }: NamedPlan, times: Scale, box: Box, named: boolean): string {
  const first = plan.snr.findIndex((snr) => snr < 0.05 / table.shift ** 2);
  if (first < 0) return "";
  const x = box.x + times.at(plan.t[first]!) * box.width;
  const edge = figure(0.05 / table.shift ** 2);
  return [
    element("rect", { class: "zone", x, y: box.y, width: box.x + box.width - x, height: box.height }),
    named ? label(x + 6, box.y + box.height - 8, `SNR < ${edge}`, { class: "small faint" }) : "",
  ].join("");
}

/** A dot for the last level, with its value where that lies outside of the panel. */
function terminalMark(named: NamedPlan, values: Float64Array, times: Scale, y: Scale, box: Box, k: number): string {
  const terminal = terminalOf(named);
  if (!terminal) return "";
  const value = values[terminal.level]!;
  const x = box.x + times.at(named.plan.t[terminal.level]!) * box.width;
  const at = value > 0 ? y.at(value) : 0;
  const dot = element("circle", { class: `f${k}`, cx: x, cy: heightOf(at, box), r: 4 });
  if (at <= 1) return dot;
  return (
    dot +
    label(x - 8, box.y + 13 + 14 * k, `terminal: ${figure(value)}`, { "text-anchor": "end", class: `small f${k}` })
  );
}

/** Below the times: the same axis in signal-to-noise ratio. */
function snrAxis(plan: Plan, times: Scale, box: Box): string {
  const marks: string[] = [];
  const bottom = box.y + box.height;
  const name = (text: string, y: number) => label(box.x - 22, y, text, { "text-anchor": "end", class: "small faint" });
  let last = box.x - 34;
  for (const snr of SNR_TICKS) {
    const level = plan.snr.findIndex((value) => value <= snr);
    if (level < 0) continue;
    const x = box.x + times.at(plan.t[level]!) * box.width;
    if (x - last < 34) continue;
    last = x;
    marks.push(
      element("path", { class: "edge", d: `M${place(x)} ${place(bottom + 22)}v5` }),
      label(x, bottom + 40, String(snr), { "text-anchor": "middle", class: "small faint" }),
    );
  }
  return [name("t", bottom + 16), name("SNR", bottom + 40), ...marks].join("");
}

function legendRow(name: string, k: number): string {
  const y = 50 + k * ROW;
  const sample = element("path", { class: `curve s${k} d${k}`, d: `M${LEFT} ${y - 4}h34` });
  return sample + label(LEFT + 42, y, shortened(name, 100));
}

/** One line a recipe: where its loss lies. */
function sharesTable(plans: readonly NamedPlan[], top: number): string {
  const columns = [LEFT, LEFT + 210, LEFT + 300, LEFT + 376, LEFT + 446, LEFT + 516, LEFT + 600];
  const bands = sharesOf(plans[0]!).map(bandName);
  const heads = ["share of the loss on", ...bands, "mean weight", "terminal level"];
  const head = heads.map((text, c) => label(columns[c]!, top, text, { class: "small faint" }));
  const rows = plans.map((named, k) => {
    const cells = [
      shortened(named.name, 32),
      ...sharesOf(named).map(({ loss }) => percent(loss)),
      figure(named.plan.meanWeight),
      terminalText(terminalOf(named)),
    ];
    return cells
      .map((text, c) => label(columns[c]!, top + (k + 1) * ROW, text, { class: c === 0 ? `f${k}` : undefined }))
      .join("");
  });
  return [...head, ...rows].join("\n");
}

function describe(named: NamedPlan): string {
  const shares = sharesOf(named).map((share) => `${percent(share.loss)} on ${bandName(share)}`);
  return `${named.name}: of the loss ${shares.join(", ")}; terminal level ${terminalText(terminalOf(named))}.`;
}

function shortened(name: string, length: number): string {
  const letters = [...name];
  return letters.length <= length ? name : `${letters.slice(0, length - 1).join("")}…`;
}
