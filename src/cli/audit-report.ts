/** @file `illustrious audit report`: a finished audit in figures. */

import type { Command } from "commander";
import type { AuditReport } from "../data/audit/report.ts";
import type { Spread } from "../data/audit/spread.ts";
import { paintFor } from "./colour.ts";
import type { Context } from "./command.ts";
import { EXIT } from "./shell.ts";
import { jsonLine } from "./terminal-text.ts";
import { type Section, sectionsText, tableLines } from "./text-sections.ts";

export function installReport(command: Command, { shell, exitWith }: Context): void {
  command.argument("<folder>", "what the audit's --out was");
  command.option("--json", "all figures, as one line of JSON on stdout");
  command.action(async (folder: string) => {
    const { reportOn } = await import("../data/audit/report.ts");
    const report = await reportOn(folder);
    const paint = paintFor(shell.stdout, shell.env);
    // The audit's own flag of that name takes it.
    const { json = false } = command.optsWithGlobals<{ readonly json?: boolean }>();
    shell.stdout.write(json ? jsonLine(report) : sectionsText(reportSections(report), paint));
    exitWith(EXIT.ok);
  });
}

export function reportSections(report: AuditReport): Section[] {
  const { images, measured, marks, measures, captions, nearDuplicates } = report;
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
      ]),
    },
    { title: "Without measures", lines: rows(report.errors as Readonly<Record<string, number>>) },
    { title: "Formats", lines: rows(report.formats) },
    { title: "Of those measured", lines: tableLines(marked.map(([name, count]) => [name, count, share(count)])) },
    { title: `Measures, at ${report.workingSide} pixels`, lines: spreadLines(spreads) },
    { title: "Hues, mean share of chroma", lines: hueLines(report.hues) },
    {
      title: "At least the pixels of a square",
      lines: tableLines(report.coverage.map(({ side, images }) => [`${side} x ${side}`, images, share(images)])),
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
        ]),
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
  const names = ["red", "yellow", "green", "cyan", "blue", "magenta"];
  const inSector = names.map((_, sector) => hues.slice(6 * sector, 6 * sector + 6));
  const total = (shares: readonly number[]) => shares.reduce((a, b) => a + b, 0);
  return tableLines(
    names.map((name, i) => [
      `from ${name}`,
      `${(100 * total(inSector[i]!)).toFixed(1)} %`,
      bars(inSector[i]!, Math.max(...hues)),
    ]),
  );
}

const BARS = " ▁▂▃▄▅▆▇█";

/** A column a value; whatever is not 0 is seen. */
function bars(values: readonly number[], highest = Math.max(...values)): string {
  return values.map((value) => BARS[Math.ceil((8 * value) / Math.max(highest, Number.MIN_VALUE))]).join("");
}
