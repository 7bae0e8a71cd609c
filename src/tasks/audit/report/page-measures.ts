/** @file Sections of a report's page: how measures are spread, hues, and the images at both ends. */

import { basename } from "node:path";
import { CONTROL_FAMILIES, type ControlFamily, canPart } from "../../../colour/index.ts";
import type { ExtremeImage } from "../../../data/audit/extremes.ts";
import type { AuditReport } from "../../../data/audit/report.ts";
import { MARK_BOUNDS } from "../../../data/audit/row-counts.ts";
import type { Spread } from "../../../data/audit/spread.ts";
import { MEASURES, type Measure } from "../../../data/audit/spread-ranges.ts";
import type { PageThresholds } from "./page.ts";
import { percent, plain, short, table, told } from "./page-text.ts";
import { huePlot, type Mark, spreadPlot, vividPlot } from "./plots.ts";
import type { Thumbnail } from "./thumbnails.ts";

const ABOUT: Readonly<Record<Measure, readonly [name: string, what: string]>> = {
  contrast: ["Contrast", "standard deviation of luma, of 0.5"],
  brightness: ["Brightness", "mean luma, of 255"],
  sharpness: ["Sharpness", "variance of luma's Laplacian"],
  dynamicColours: ["Dynamic colours", "how many hues, of 6"],
  colourfulness: ["Colourfulness", "Hasler and Süsstrunk's M3"],
  saturation: ["Saturation", "mean HSV saturation, of 255"],
  saturationDeviation: ["Deviation of saturation", "how uneven it is in an image"],
};

/** The report's own rules, where they are about one measure. */
const RULES: Readonly<Partial<Record<Measure, readonly Mark[]>>> = {
  contrast: [{ value: MARK_BOUNDS.blank, text: "blank", kind: "rule" }],
  brightness: [
    { value: MARK_BOUNDS.nearBlack, text: "nearly black", kind: "rule" },
    { value: MARK_BOUNDS.nearWhite, text: "nearly white", kind: "rule" },
  ],
  saturation: [{ value: 120, text: "colourful above", kind: "rule" }],
  saturationDeviation: [{ value: 50, text: "colourful below", kind: "rule" }],
};

export function measureSection(report: AuditReport, thresholds: PageThresholds | undefined): string {
  const found = MEASURES.flatMap((measure) => {
    const spread = report.measures[measure];
    return spread ? [{ measure, spread }] : [];
  });
  if (found.length === 0) return "<p>No image has measures.</p>";
  const plots = found.map(({ measure, spread }) => measurePlot(measure, spread, thresholds));
  const heads = ["", "least", "1 %", "5 %", "25 %", "median", "75 %", "95 %", "99 %", "most", "mean"];
  const rows = found.map(({ measure, spread: { least, most, mean, quantiles: q } }) => [
    ABOUT[measure][0],
    ...[least, q[1], q[5], q[25], q[50], q[75], q[95], q[99], most, mean].map(short),
  ]);
  const cuts = thresholds ? ` Dashed lines are where control tokens begin, ${told(thresholds.name)}.` : "";
  const note = `<p class="faint">Measured at ${report.workingSide} pixels. Below each plot: the line has nine of ten images, the box every other one, the stroke is the median.${cuts}</p>`;
  const columns = heads.map((_, i) => (i === 0 ? "text" : "number") as "text" | "number");
  return `${note}<div class="plots">${plots.join("")}</div><details><summary>Numbers</summary>${table(heads, columns, rows)}</details>`;
}

function measurePlot(measure: Measure, spread: Spread, thresholds: PageThresholds | undefined): string {
  const [name, what] = ABOUT[measure];
  const family = measure in CONTROL_FAMILIES ? (measure as ControlFamily) : undefined;
  const isParted = family !== undefined && thresholds !== undefined && canPart(thresholds, family);
  const cuts = isParted ? thresholds.cuts[family] : [];
  const marks = [...cuts.map((value): Mark => ({ value, text: "", kind: "cut" })), ...(RULES[measure] ?? [])];
  const words = isParted ? CONTROL_FAMILIES[family] : [];
  const tokens = words.map((word, i) => (i < 3 ? `${word} ≤ ${short(cuts[i]!)}` : word)).join(" &lt; ");
  const caption = `<b>${name}</b> · ${what}${tokens === "" ? "" : `<br>${tokens}`}`;
  return `<figure><figcaption>${caption}</figcaption>${spreadPlot(name, spread, marks)}</figure>`;
}

export function colourSection({ hues, vividGrid }: AuditReport): string {
  const hue = `<figure><figcaption><b>Hues</b> · mean share of chroma in 36 hues, of the images that have any</figcaption>${huePlot(hues)}</figure>`;
  const mean = percent(vividGrid.reduce((sum, share) => sum + share, 0) / 9);
  const where = `<figure><figcaption><b>Vivid colours</b> · share of pixels with a chroma of 128 of 255 and more, by their place in the picture; ${mean} of all</figcaption>${vividPlot(vividGrid)}</figure>`;
  return `<div class="grids">${hue}${where}</div>`;
}

export function extremeSection({ extremes }: AuditReport, thumbnails: ReadonlyMap<number, Thumbnail>): string {
  const parts = MEASURES.map((measure) => {
    const { lowest, highest } = extremes[measure];
    if (lowest.length === 0) return "";
    const strip = (images: readonly ExtremeImage[]) =>
      `<div class="strip">${images.map((image) => figure(image, thumbnails.get(image.id))).join("")}</div>`;
    const name = ABOUT[measure][0];
    return `<h3>${name}: lowest</h3>${strip(lowest)}<h3>${name}: highest</h3>${strip(highest)}`;
  });
  const note = `<p class="faint">Of equal files one is shown.</p>`;
  return parts.every((part) => part === "") ? "<p>No image has measures.</p>" : note + parts.join("");
}

function figure(image: ExtremeImage, thumbnail: Thumbnail | undefined): string {
  const name = basename(image.member ?? image.source);
  const whole = image.member === null ? image.source : `${image.source}: ${image.member}`;
  const shown =
    thumbnail && "address" in thumbnail
      ? `<img src="${thumbnail.address}" alt="${plain(name, 80)}" title="${plain(image.caption ?? "")}">`
      : `<div class="gone">${told(thumbnail?.why ?? "not drawn", 120)}</div>`;
  const size = `${image.width} × ${image.height}`;
  return `<figure>${shown}<figcaption title="${plain(whole, 600)}"><b>${short(image.value)}</b> · ${size}<br>${told(name, 80)}</figcaption></figure>`;
}
