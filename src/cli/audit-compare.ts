/** @file `illustrious audit compare`: two audits beside each other. */

import type { Command } from "commander";
import { hueSectors } from "../colour/index.ts";
import type { Spread } from "../data/audit/index.ts";
import type { AuditComparison, Mark, TagChange } from "../data/sql/index.ts";
import { compareOptions } from "../tasks/audit/compare.ts";
import { compareAudits } from "../tasks/compare-audits.ts";
import { paintFor } from "./colour.ts";
import { type Context, usageError } from "./command.ts";
import { liveLine } from "./live-line.ts";
import { duration, timeLeft } from "./quantities.ts";
import { addFlags, type FlagTable, readFlags, refusals } from "./schema-flags.ts";
import type { Shell } from "./shell.ts";
import { jsonLine, safeLine } from "./terminal-text.ts";
import { type Section, sectionsText, tableLines } from "./text-sections.ts";
import { untilStopped } from "./until-stopped.ts";

const flags: FlagTable<"memory" | "threads"> = {
  memory: { group: "Work:", value: "GB" },
  threads: { group: "Work:" },
};

const HELP = `
Each measure has its 5 %, median and 95 % in A and in B, and how far both are apart: ks, the largest difference between the shares of both
that lie below any one value (0 the same, 1 nothing in common), and moved, how far values would have to be moved on average to make one of the
other. Files are told apart by their bytes, so renamed and moved ones are the same.

Examples:
  illustrious audit compare before after
  illustrious audit compare mine theirs --json > difference.json
`;

export function installCompare(command: Command, { shell, exitWith }: Context): void {
  command.argument("<A>", compareOptions.shape.a.description).argument("<B>", compareOptions.shape.b.description);
  command.optionsGroup("Output:").option("--json", "all figures, as one line of JSON on stdout");
  addFlags(command, compareOptions, flags);
  command.helpOption("-h, --help", "this help").addHelpText("after", HELP);
  command.action(async (a: string, b: string) => exitWith(await run(a, b, command, shell)));
}

async function run(a: string, b: string, command: Command, shell: Shell): Promise<number> {
  const { values, typed } = readFlags(command, compareOptions, flags);
  const given = { a, b, ...values };
  const checked = compareOptions.safeParse(given);
  if (!checked.success) throw usageError(refusals(checked.error, compareOptions, flags, typed, given).join("\n"));
  const { json = false } = command.optsWithGlobals<{ readonly json?: boolean }>();
  const line = liveLine(shell);
  const words = { stopping: "stopping; Ctrl-C once more stops at once", stopped: () => "stopped" };
  return untilStopped(shell, line, words, async (signal) => {
    let stage = { name: "", began: 0 };
    for await (const event of compareAudits(checked.data, { signal })) {
      if (event.type === "stage") stage = { name: event.message, began: shell.now() };
      if (event.type === "compared") {
        line.end();
        const { comparison } = event;
        const text = () => sectionsText(comparisonSections(comparison), paintFor(shell.stdout, shell.env));
        shell.stdout.write(json ? jsonLine(comparison) : text());
      } else {
        const share = event.type === "progress" ? event.share : undefined;
        line.show(progressText(stage.name, (shell.now() - stage.began) / 1000, share), stage.name);
      }
    }
  });
}

function progressText(stage: string, seconds: number, share: number | undefined): string {
  if (!share) return `${stage} · ${duration(seconds)}`;
  return `${stage} · ${Math.floor(100 * share)} % · ${timeLeft(1 - share, share, seconds)}`;
}

const MARK_NAMES: Readonly<Record<Mark, string>> = {
  colourful: "colourful, by the Illustrious 3.0 article's rule",
  nearBlack: "nearly black (mean luma below 16)",
  nearWhite: "nearly white (mean luma above 239)",
  blank: "blank (contrast below 0.01)",
  greyscale: "without any colour",
  withAlpha: "with an alpha channel",
};

export function comparisonSections({ counts, spreads, hues, tags, contents, workingSide }: AuditComparison): Section[] {
  const { a, b } = counts;
  const head = ["", "A", "B"];
  const marks = Object.entries(MARK_NAMES) as [Mark, string][];
  return [
    {
      title: "Images",
      lines: tableLines([
        head,
        ["found", a.images, b.images],
        ["measured", a.measured, b.measured],
        ["with a caption", a.withCaption, b.withCaption],
      ]),
    },
    {
      title: "Files, by their bytes",
      lines: tableLines([
        ["only in A", contents.onlyA],
        ["only in B", contents.onlyB],
        ["in both", contents.both],
        ["of these, with other captions", contents.otherCaptions],
      ]),
    },
    {
      title: "Of those measured",
      lines: tableLines([
        [...head, "B - A"],
        ...marks.map(([mark, name]) => [name, ...shares(a[mark], a.measured, b[mark], b.measured)]),
      ]),
    },
    { title: `Measures, at ${workingSide} pixels, and captions`, lines: spreadLines(spreads) },
    { title: "Hues, mean share of chroma", lines: hueLines(hues) },
    { title: "Tags, more frequent in B", lines: tagLines(tags.more, a.withCaption, b.withCaption) },
    { title: "Tags, less frequent in B", lines: tagLines(tags.fewer, a.withCaption, b.withCaption) },
  ];
}

function shares(a: number, ofA: number, b: number, ofB: number): string[] {
  const [inA, inB] = [(100 * a) / Math.max(1, ofA), (100 * b) / Math.max(1, ofB)];
  return [`${inA.toFixed(1)} %`, `${inB.toFixed(1)} %`, signed(inB - inA)];
}

const signed = (points: number) => `${points > 0 ? "+" : ""}${points.toFixed(1)}`;

const SPREAD_NAMES: Readonly<Record<string, string>> = {
  aspect: "width / height",
  words: "words of captions",
  firstLineWords: "words of first lines",
};

function spreadLines(spreads: AuditComparison["spreads"]): string[] {
  const three = (spread: Spread | undefined) =>
    spread ? [5, 50, 95].map((percent) => spread.quantiles[percent as 5 | 50 | 95].toPrecision(3)).join(" · ") : "none";
  return tableLines([
    ["", "A: 5 % · median · 95 %", "B: 5 % · median · 95 %", "ks", "moved"],
    ...Object.entries(spreads).map(([name, { a, b, distance }]) => [
      SPREAD_NAMES[name] ?? name,
      three(a),
      three(b),
      distance ? distance.ks.toFixed(3) : "",
      distance ? distance.moved.toPrecision(3) : "",
    ]),
  ]);
}

function hueLines({ a, b }: AuditComparison["hues"]): string[] {
  if (![...a, ...b].some((share) => share > 0)) return [];
  const inB = hueSectors(b);
  const rows = hueSectors(a).map(({ name, share }, i) => [`from ${name}`, ...shares(share, 1, inB[i]!.share, 1)]);
  return tableLines([["", "A", "B", "B - A"], ...rows]);
}

/** Of the many that there are in JSON. */
const TAGS = 15;

function tagLines(changes: readonly TagChange[], captionedA: number, captionedB: number): string[] {
  if (changes.length === 0) return [];
  const rows = changes.slice(0, TAGS).map(({ tag, a, b }) => [safeLine(tag), ...shares(a, captionedA, b, captionedB)]);
  return tableLines([["", "A", "B", "B - A"], ...rows]);
}
