/** @file Sections of a report's page: sizes and the buckets that they lead to, captions and tags. */

import type { AuditReport } from "../../../data/audit/report.ts";
import { percent, short, table, told, whole } from "./page-text.ts";
import { spreadPlot } from "./plots.ts";

export function bucketSection(report: AuditReport): string {
  const { measured, coverage, buckets, aspect, orientations } = report;
  if (measured === 0 || aspect === undefined) return "<p>No image has measures.</p>";
  const enough = coverage.map(({ side, images }, i) => {
    const { enlarged, buckets: used } = buckets[i]!;
    return [
      `${side}&nbsp;×&nbsp;${side}`,
      images / measured,
      percent(images / measured),
      images,
      enlarged,
      used.length,
    ];
  });
  const heads = ["area", "have its pixels", "", "images", "enlarged for their bucket", "buckets in use"];
  const areas = table(heads, ["text", "bar", "number", "number", "number", "number"], enough);
  const { portrait, landscape, square } = orientations;
  const shares = [portrait, landscape, square].map((count) => percent(count / measured));
  const turned = `<p>Higher than wide by a tenth and more: ${shares[0]}; wider than high: ${shares[1]}; neither: ${shares[2]}. Half of the images have a width of at most ${short(aspect.quantiles[50])} times the height.</p>`;
  return `${turned}${areas}<h3>Shapes, by the largest area that an image fills</h3>${shapeTable(report)}<h3>Buckets at each area</h3><p class="faint">Sides are multiples of 64, from half the area's side to twice it, at most 2048. An image falls into the bucket of the nearest shape.</p>${bucketLists(report)}`;
}

/** Shades of the table of shapes. */
const SHADES = 8;

function shapeTable({ shapes: { shapes, areas }, measured }: AuditReport): string {
  const most = Math.max(...areas.flatMap(({ images }) => images), 1);
  const head = shapes.map((shape) => `<th scope="col">${told(shape)}</th>`).join("");
  const rows = areas
    .filter(({ images }) => images.some((count) => count > 0))
    .map(({ side, images }) => {
      const cells = images.map((count) => {
        const shade = Math.ceil(SHADES * Math.sqrt(count / most));
        return `<td class="h${shade}" title="${whole(count)}">${count === 0 ? "" : percent(count / measured)}</td>`;
      });
      return `<tr><th scope="row">${side === 0 ? "below 256²" : `${side}²`}</th>${cells.join("")}</tr>`;
    });
  const region = `<div class="scroll" tabindex="0" role="region" aria-label="shapes">`;
  return `${region}<table class="heat"><thead><tr><th scope="col">area</th>${head}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}

function bucketLists({ buckets, measured }: AuditReport): string {
  return buckets
    .map(({ side, buckets: used }) => {
      const most = Math.max(...used.map(({ images }) => images));
      const rows = used.map(({ width, height, images }) => [
        `${width}&nbsp;×&nbsp;${height}`,
        short(width / height),
        images / most,
        images,
        percent(images / measured),
      ]);
      const heads = ["bucket", "width / height", "", "images", ""];
      const list = table(heads, ["text", "number", "bar", "number", "number"], rows);
      return `<details${side === 1024 ? " open" : ""}><summary>${side} × ${side}: ${used.length} bucket${used.length === 1 ? "" : "s"}</summary>${list}</details>`;
    })
    .join("");
}

export function captionSection({ captions, images }: AuditReport): string {
  const { with: given, without, unreadable, uncountable, tokens, chunks, tags, words, firstLineWords } = captions;
  const counts = [`${whole(given)} images have a caption`, `${whole(without)} have none`];
  if (unreadable > 0) counts.push(`${whole(unreadable)} have one that cannot be read`);
  if (uncountable > 0)
    counts.push(`the tokens of ${whole(uncountable)} cannot be counted, for they have a word without end`);
  const summary = `<p>${counts.join("; ")}.</p>`;
  if (given === 0) return summary;
  const kinds = [
    `words of first lines: median ${short(firstLineWords!.quantiles[50])}`,
    `of whole captions: ${short(words!.quantiles[50])}`,
  ];
  return `${summary}<div class="plots">${tokens ? tokenFigure(tokens, kinds) : ""}${chunkFigure(chunks, given, images)}</div>${tagList(tags, given)}`;
}

function tokenFigure(tokens: NonNullable<AuditReport["captions"]["tokens"]>, kinds: readonly string[]): string {
  const marks = [75, 150, 225].map((value) => ({ value, text: String(value), kind: "rule" }) as const);
  const numbers = `median ${short(tokens.quantiles[50])}, 95 % at most ${short(tokens.quantiles[95])}, most ${whole(tokens.most)}`;
  const caption = `<b>Tokens of a caption's first line</b> · CLIP's, without start and end; ${numbers}<br>${kinds.join(", ")}`;
  return `<figure><figcaption>${caption}</figcaption>${spreadPlot("Tokens", tokens, marks)}</figure>`;
}

function chunkFigure(chunks: AuditReport["captions"]["chunks"], given: number, images: number): string {
  const rows = chunks.map(({ tokens, captions }, i) => [
    `${i + 1} of 77: up to ${tokens}`,
    captions / given,
    percent(captions / given),
    captions,
  ]);
  const list = table(["chunks", "first lines that fit", "", ""], ["text", "bar", "number", "number"], rows);
  const note = `of ${whole(given)} captions; ${percent(given / Math.max(1, images))} of the images have one. What is longer than the trainer's limit is cut off.`;
  return `<figure><figcaption><b>Chunks</b> · ${note}</figcaption>${list}</figure>`;
}

function tagList(tags: AuditReport["captions"]["tags"], given: number): string {
  if (tags.length === 0) return "";
  const rows = tags.map(({ tag, images }) => [told(tag, 60), images / given, images, percent(images / given)]);
  const half = Math.ceil(rows.length / 2);
  const lists = [rows.slice(0, half), rows.slice(half)].filter((part) => part.length > 0);
  const tables = lists.map((part) => table(["tag", "", "captions", ""], ["text", "bar", "number", "number"], part));
  return `<h3>The most frequent tags of first lines</h3><div class="plots">${tables.join("")}</div>`;
}
