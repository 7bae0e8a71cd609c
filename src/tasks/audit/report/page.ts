/**
 * @file A report as one page that needs nothing but itself: no script, no address but `data:`, all text of files escaped. The same audit
 * gives the same page.
 */

import type { ControlThresholds } from "../../../colour/index.ts";
import { leaningOf } from "../../../data/audit/leaning.ts";
import type { AuditReport } from "../../../data/audit/report.ts";
import { escapeMarkup } from "../../../trainer/plot/svg.ts";
import { bucketSection, captionSection } from "./page-captions.ts";
import { colourSection, extremeSection, measureSection } from "./page-measures.ts";
import { CONTENT_POLICY, PAGE_STYLE } from "./page-style.ts";
import { percent, plain, table, told, whole } from "./page-text.ts";
import type { Thumbnail } from "./thumbnails.ts";

export type PageThresholds = Pick<ControlThresholds, "name" | "cuts" | "pictures">;

export type PageParts = {
  readonly title: string;
  readonly thresholds: PageThresholds | undefined;
  /** By `id`. */
  readonly thumbnails: ReadonlyMap<number, Thumbnail>;
};

export function reportPage(report: AuditReport, { title, thresholds, thumbnails }: PageParts): string {
  const sections: readonly (readonly [id: string, title: string, markup: string])[] = [
    ["leaning", "What a model will lean to", leaningSection(report)],
    ["measures", "Measures", measureSection(report, thresholds)],
    ["colour", "Hues, and where vivid colours are", colourSection(report)],
    ["sizes", "Sizes and buckets", bucketSection(report)],
    ["captions", "Captions and tags", captionSection(report)],
    ["extremes", "Images at the ends", extremeSection(report, thumbnails)],
    ["faults", "Near-duplicates, and what has no measures", faultSection(report)],
  ];
  const links = sections.map(([id, name]) => `<li><a href="#${id}">${name}</a></li>`).join("");
  const body = sections.map(([id, name, markup]) => `<section id="${id}"><h2>${name}</h2>${markup}</section>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeMarkup(CONTENT_POLICY)}">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Audit of ${plain(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body><main>
<h1>Audit of ${told(title)}</h1>
<p class="faint">${report.paths.map((path) => told(path)).join(", ")}</p>
<nav aria-label="Contents"><ul>${links}</ul></nav>
${tiles(report)}
${body.join("\n")}
</main></body>
</html>
`;
}

function tiles({ images, measured, marks, nearDuplicates, captions }: AuditReport): string {
  const of = (count: number, all: number) => `${percent(count / Math.max(1, all))} <small>${whole(count)}</small>`;
  const facts: readonly (readonly [string, string])[] = [
    ["images", whole(images)],
    ["measured", of(measured, images)],
    ["colourful: saturation above 120, its deviation below 50", of(marks.colourful, measured)],
    ["nearly black: mean luma below 16", of(marks.nearBlack, measured)],
    ["nearly white: mean luma above 239", of(marks.nearWhite, measured)],
    ["blank: contrast below 0.01", of(marks.blank, measured)],
    ["without any colour", of(marks.greyscale, measured)],
    ["a quarter or more exactly white", of(marks.whiteGround, measured)],
    ["a quarter or more exactly black", of(marks.blackGround, measured)],
    ["with an alpha channel", of(marks.withAlpha, measured)],
    ["with a caption", of(captions.with, images)],
    ["near-duplicates of another image", of(nearDuplicates.images - nearDuplicates.groups, images)],
  ];
  return `<dl class="tiles">${facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join("")}</dl>`;
}

function leaningSection(report: AuditReport): string {
  const sentences = leaningOf(report);
  const text = sentences.length === 0 ? "By the rules of this report, to nothing in particular." : sentences.join(" ");
  const note =
    "Each sentence is a rule on one figure, with bounds of this program's own (docs/audit.md lists them); what a model makes of a set also depends on its training.";
  return `<p class="lean">${escapeMarkup(text)}</p><p class="faint">${note}</p>`;
}

const FAULTS: Readonly<Record<keyof AuditReport["errors"], string>> = {
  missing: "no such file",
  unreadable: "the system does not let it be read",
  not_a_picture: "of a format, or of samples, that are not read",
  too_large: "too many bytes or pixels",
  broken: "cut short or damaged",
  crashed: "ended its decoder",
  time_limit: "took too long",
  outside: "out of the folders that a worker may look into",
  changed: "changed while the audit ran",
  bad_source: "a line, folder or archive that cannot be understood: not among the images",
};

function faultSection({ nearDuplicates, images, errors, formats, marks }: AuditReport): string {
  const { groups, images: grouped } = nearDuplicates;
  const alike = `<p>${whole(groups)} groups of equal or nearly equal images have ${whole(grouped)} images; without all but one of each, ${whole(images - grouped + groups)} are left.</p>`;
  const faults = Object.entries(errors) as [keyof typeof FAULTS, number][];
  const rows = faults.map(([error, count]) => [
    `<code>${told(error)}</code>`,
    FAULTS[error] ?? "",
    count,
    // A line is no image, and no share of them.
    error === "bad_source" ? "" : percent(count / images),
  ]);
  const broken =
    rows.length === 0
      ? "<p>All images could be measured.</p>"
      : table(["reason", "", "number", ""], ["text", "text", "number", "number"], rows);
  const kinds = Object.entries(formats).sort(([, a], [, b]) => b - a);
  const animated =
    marks.animated === 0 ? "" : `<p>${whole(marks.animated)} have several frames, of which the first is measured.</p>`;
  const list = table(
    ["format", "images"],
    ["text", "number"],
    kinds.map(([kind, count]) => [plain(kind), count]),
  );
  return `${alike}<h3>Without measures</h3>${broken}<h3>Formats</h3>${list}${animated}`;
}
