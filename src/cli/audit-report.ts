/** @file `illustrious audit report`: a finished audit in figures. */

import type { Command } from "commander";
import { hueSectors } from "../colour/index.ts";
import { leaningOf } from "../data/audit/leaning.ts";
import type { AuditReport } from "../data/audit/report.ts";
import type { Spread } from "../data/audit/spread.ts";
import { type AuditReportEvent, auditReportOptions } from "../tasks/audit/report/options.ts";
import { paintFor } from "./colour.ts";
import type { Context } from "./command.ts";
import { liveLine } from "./live-line.ts";
import { timeLeft } from "./quantities.ts";
import type { Shell } from "./shell.ts";
import { jsonLine, safeLine } from "./terminal-text.ts";
import { type Section, sectionsText, tableLines } from "./text-sections.ts";
import { untilStopped } from "./until-stopped.ts";

type Flags = { readonly json?: boolean; readonly html?: string; readonly thresholds?: string };

const HELP = `
The page needs nothing but itself: no server, no script, nothing from the net. It shows how each measure is spread with the control tokens'
thresholds, sizes and buckets, captions in tokens, tags, and small pictures of the images at both ends of each measure, drawn anew
from their files.

Examples:
  illustrious audit report audit
  illustrious audit report audit --html audit.html
  illustrious audit report audit --json > audit.json
`;

export function installReport(command: Command, { shell, exitWith }: Context): void {
  const { html, thresholds } = auditReportOptions.shape;
  command.argument("<folder>", "what the audit's --out was");
  command.option("--html <file>", html.description);
  command.option("--thresholds <file>", thresholds.description);
  command.option("--json", "all figures, as one line of JSON on stdout");
  command.addHelpText("after", HELP);
  command.action(async (folder: string) => {
    // The audit's own flag takes --json.
    const flags = command.optsWithGlobals<Flags>();
    exitWith(await run(folder, flags, shell));
  });
}

async function run(folder: string, { json = false, html, thresholds }: Flags, shell: Shell): Promise<number> {
  const { auditReport } = await import("../tasks/audit-report.ts");
  const paint = paintFor(shell.stdout, shell.env);
  const line = liveLine(shell);
  const pace = newPace(shell);
  const words = { stopping: "stopping", stopped: ({ message }: Error) => safeLine(message) };
  return untilStopped(shell, line, words, async (signal) => {
    const input = {
      audit: folder,
      ...(html !== undefined && { html }),
      ...(thresholds !== undefined && { thresholds }),
    };
    for await (const event of auditReport(input, { signal })) {
      if (event.type === "progress") line.show(pace(event), event.stage);
      else line.end();
      if (event.type === "page" && !json) shell.stdout.write(`${safeLine(event.path)}\n`);
      if (event.type !== "done") continue;
      if (json) shell.stdout.write(jsonLine(event.report));
      else if (html === undefined) shell.stdout.write(sectionsText(reportSections(event.report), paint));
    }
  });
}

type ProgressEvent = Extract<AuditReportEvent, { type: "progress" }>;

/** How many are done, rate and time left, of each stage by itself. */
function newPace(shell: Shell): (event: ProgressEvent) => string {
  let began: { readonly at: number; readonly event: ProgressEvent } | undefined;
  return (event) => {
    if (began?.event.stage !== event.stage) began = { at: shell.now(), event };
    const { stage, done, total } = event;
    const what = stage === "images" ? "images counted" : "pictures drawn";
    const parts = [`${done.toLocaleString("en-US")} of ${total.toLocaleString("en-US")} ${what}`];
    const seconds = (shell.now() - began.at) / 1000;
    const since = done - began.event.done;
    if (since > 0 && seconds > 0) {
      parts.push(`${(since / seconds).toPrecision(3)} a second`, timeLeft(total - done, since, seconds));
    }
    return parts.join(" · ");
  };
}

export function reportSections(report: AuditReport): Section[] {
  const { images, measured, marks, measures, captions, nearDuplicates } = report;
  const { bad_source: badSources = 0, ...errors } = report.errors;
  const share = (count: number) => `${((100 * count) / Math.max(1, measured)).toFixed(1)} %`;
  const rows = (entries: Readonly<Record<string, number>>) =>
    tableLines(Object.entries(entries).filter(([, count]) => count > 0));
  const marked = Object.entries({
    "colourful, by the Illustrious 3.0 article's rule": marks.colourful,
    "nearly black (mean luma below 16)": marks.nearBlack,
    "nearly white (mean luma above 239)": marks.nearWhite,
    "blank (contrast below 0.01)": marks.blank,
    "without any colour": marks.greyscale,
    "with an alpha channel": marks.withAlpha,
    "with a colour profile": marks.withProfile,
    animated: marks.animated,
  });
  const spreads = [...Object.entries(measures), ["width / height", report.aspect]] as [string, Spread | undefined][];
  const { words, firstLineWords } = captions;
  return [
    {
      title: "Images",
      lines: tableLines([
        ["found", images],
        ["measured", measured],
        ["near-duplicates", nearDuplicates.images],
        ["groups of them", nearDuplicates.groups],
        ...(badSources > 0 ? [["lines, folders or archives not understood", badSources] as const] : []),
      ]),
    },
    { title: "What a model will lean to", lines: leaningOf(report) },
    { title: "Without measures", lines: rows(errors as Readonly<Record<string, number>>) },
    { title: "Formats", lines: rows(report.formats) },
    { title: "Of those measured", lines: tableLines(marked.map(([name, count]) => [name, count, share(count)])) },
    { title: `Measures, at ${report.workingSide} pixels`, lines: spreadLines(spreads) },
    { title: "Hues, mean share of chroma", lines: hueLines(report.hues) },
    {
      title: "At least the pixels of a square",
      lines: tableLines(report.coverage.map(({ side, images }) => [`${side} x ${side}`, images, share(images)])),
    },
    {
      title: "Vivid pixels, by place in the picture",
      lines: [0, 3, 6].map((row) =>
        report.vividGrid
          .slice(row, row + 3)
          .map((cell) => `${(100 * cell).toFixed(1)} %`.padStart(8))
          .join(""),
      ),
    },
    {
      title: "Captions",
      lines: [
        ...tableLines([
          ["with", captions.with],
          ["without", captions.without],
          ["unreadable", captions.unreadable],
        ]),
        ...spreadLines([
          ["words", words],
          ["words of the first line", firstLineWords],
          ["tokens", captions.tokens],
        ]),
        ...tableLines(captions.chunks.map(({ tokens, captions: fit }) => [`of up to ${tokens} tokens`, fit])),
      ],
    },
    { title: "Tags", lines: tableLines(captions.tags.slice(0, 20).map(({ tag, images }) => [tag, images])) },
  ];
}

function spreadLines(spreads: readonly (readonly [string, Spread | undefined])[]): string[] {
  const found = spreads.flatMap(([name, spread]) => (spread ? [[name, spread] as const] : []));
  if (found.length === 0) return [];
  const head = ["", "least", "5 %", "median", "95 %", "most", "mean", ""];
  return tableLines([
    head,
    ...found.map(([name, { least, most, mean, quantiles, histogram }]) => [
      name,
      ...[least, quantiles[5], quantiles[50], quantiles[95], most, mean].map((value) => value.toPrecision(3)),
      bars(histogram.counts),
    ]),
  ]);
}

/** Hues of 10 degrees, six a line, each with the name of the first. */
function hueLines(hues: readonly number[]): string[] {
  if (hues.every((share) => share === 0)) return [];
  return tableLines(
    hueSectors(hues).map(({ name, bins, share }) => [
      `from ${name}`,
      `${(100 * share).toFixed(1)} %`,
      bars(bins, Math.max(...hues)),
    ]),
  );
}

const BARS = " ▁▂▃▄▅▆▇█";

/** A column a value; whatever is not 0 is seen. */
function bars(values: readonly number[], highest = Math.max(...values)): string {
  return values.map((value) => BARS[Math.ceil((8 * value) / Math.max(highest, Number.MIN_VALUE))]).join("");
}
