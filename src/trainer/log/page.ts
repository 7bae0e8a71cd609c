/** @file A run's page: one file with everything in it, since a page from a disk cannot fetch; rewritten as the run goes on. */

import { figure } from "../plot/scales.ts";
import { escapeMarkup } from "../plot/svg.ts";
import { runCharts } from "./charts.ts";
import { MOST_FINDINGS, type RunHistory } from "./history.ts";
import type { PreviewLine } from "./lines.ts";
import { CONTENT_POLICY, PAGE_SCRIPT, PAGE_STYLE } from "./page-parts.ts";
import { chosen } from "./sample.ts";

export type PageState = {
  name: string;
  recipe: string;
  totalSteps: number;
  /** Milliseconds since 1970, when the page is written. */
  updated: number;
  /** Seconds between two writings, and after how many without one the run is taken for dead. */
  every: number;
  quiet: number;
  /** Small pictures by the name of the preview's file, as `data:` addresses. */
  thumbnails: ReadonlyMap<string, string>;
};

export function runPage(history: RunHistory, state: PageState): string {
  const { name, recipe, updated, every, quiet } = state;
  const status = history.end?.reason ?? "running";
  const why = history.end?.message ? `: ${history.end.message}` : "";
  const title = `${name}: ${status}, step ${history.step}`;
  return `<!doctype html>
<html lang="en" data-state="${status}" data-updated="${updated}" data-every="${every}" data-quiet="${quiet}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeMarkup(CONTENT_POLICY)}">
<meta name="viewport" content="width=device-width,initial-scale=1">
${status === "running" ? `<noscript><meta http-equiv="refresh" content="${Math.max(30, every)}"></noscript>` : ""}
<title>${escapeMarkup(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body><main>
<h1>${escapeMarkup(name)}</h1>
<div id="status" class="${status}" role="status">${escapeMarkup(status + why)}</div>
${summary(history, state)}
${findings(history)}
<h2>Curves</h2>
${history.step === 0 ? "<p>No step yet.</p>" : `<div class="charts">${runCharts(history).join("\n")}</div>`}
${numbers(history)}
${previews(history, state)}
<h2>Recipe</h2>
<pre>${escapeMarkup(recipe)}</pre>
<p class="prompt">Written ${new Date(updated).toISOString().replace("T", " ").slice(0, 19)} UTC. The same numbers: <a href="log.jsonl">log.jsonl</a>, and TensorBoard's files beside it.</p>
</main><script>${PAGE_SCRIPT}</script></body>
</html>
`;
}

function summary(history: RunHistory, { totalSteps }: PageState): string {
  const { step, seconds, epoch, secondsPerSample, skipped } = history;
  const facts: [string, string][] = [["step", `${step} of ${totalSteps}`]];
  if (epoch !== undefined) facts.push(["epoch", figure(epoch)]);
  if (step > 0) facts.push(["loss, smoothed", figure(history.smoothedLoss.values.at(-1)!)]);
  if (secondsPerSample !== undefined) facts.push(["pictures a second", figure(1 / secondsPerSample)]);
  facts.push(["time", duration(seconds)]);
  const left = totalSteps - step;
  if (!history.end && step > 0 && left > 0) facts.push(["left, about", duration((seconds / step) * left)]);
  if (skipped > 0) facts.push(["steps left out", String(skipped)]);
  const list = facts.map(([term, value]) => `<div><dt>${term}</dt><dd>${escapeMarkup(value)}</dd></div>`);
  return `<progress max="${totalSteps}" value="${step}">${step} of ${totalSteps}</progress><dl>${list.join("")}</dl>`;
}

function findings({ findings: found }: RunHistory): string {
  if (found.length === 0) return "";
  const boxes = found.map(({ level, code, message, hint, step }) => {
    const when = step > 0 ? ` at step ${step}` : "";
    const text = `<b>${escapeMarkup(level)}</b>${when} <code>${escapeMarkup(code)}</code>: ${escapeMarkup(message)}`;
    return `<div class="finding ${level === "refusal" ? "refusal" : ""}">${text}<br>${escapeMarkup(hint)}</div>`;
  });
  const often = found.length >= MOST_FINDINGS ? `<p>No more than ${MOST_FINDINGS} of one kind are listed.</p>` : "";
  return `<h2>Findings</h2>${boxes.join("\n")}${often}`;
}

/** The curves for those who cannot see them. */
function numbers({ rows, learningRates }: RunHistory): string {
  if (rows.count === 0) return "";
  const rates = [...learningRates.keys()];
  const lines = chosen(rows).map((line) => {
    const given = [line.loss, line.smoothedLoss, line.gradientNorm, ...rates.map((name) => line.learningRates[name])];
    const cells = given.map((value) => `<td>${value === undefined || value === null ? "–" : figure(value)}</td>`);
    return `<tr><th scope="row">${line.step}</th>${cells.join("")}</tr>`;
  });
  const heads = ["step", "loss", "smoothed", "gradient norm", ...rates.map((name) => `learning rate ${name}`)];
  const head = heads.map((text) => `<th scope="col">${escapeMarkup(text)}</th>`).join("");
  return `<details><summary>Numbers</summary><table><thead><tr>${head}</tr></thead><tbody>${lines.join("")}</tbody></table></details>`;
}

function previews({ strips }: RunHistory, { thumbnails }: PageState): string {
  if (strips.size === 0) return "";
  const parts = [...strips].map(([name, strip]) => {
    const pictures = chosen(strip).map((preview) => picture(preview, thumbnails));
    const { prompt = "", seed } = strip.last!;
    const told = [name, prompt, seed === undefined ? "" : `seed ${seed}`].filter((text) => text !== "").join(" · ");
    return `<div class="prompt" dir="auto">${escapeMarkup(told)}</div><div class="strip">${pictures.join("")}</div>`;
  });
  return `<h2>Previews</h2>${parts.join("\n")}`;
}

function picture({ step, file, name, prompt }: PreviewLine, thumbnails: ReadonlyMap<string, string>): string {
  const source = thumbnails.get(file);
  const alt = escapeMarkup(`${prompt ?? name}, step ${step}`);
  const image = source === undefined ? `<span>${alt}</span>` : `<img src="${escapeMarkup(source)}" alt="${alt}">`;
  return `<figure><a href="${escapeMarkup(file)}">${image}</a><figcaption>step ${step}</figcaption></figure>`;
}

function duration(seconds: number): string {
  const [days, hours, minutes] = [
    Math.floor(seconds / 86400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${figure(seconds)} s`;
}
