/** @file `illustrious tag`: control tokens into the captions of an audited set, or what they would change. */

import type { Command } from "commander";
import type { IllustriousError } from "../base/error.ts";
import type { LeftReason, TagEvent } from "../tasks/tag/events.ts";
import { type TagInput, type TagOptions, tagOptions } from "../tasks/tag/options.ts";
import type { TagControl } from "../tasks/tag/run.ts";
import { type Paint, paintFor } from "./colour.ts";
import { type Context, usageError } from "./command.ts";
import { type LiveLine, liveLine } from "./live-line.ts";
import { counted, timeLeft } from "./quantities.ts";
import { addFlags, type FlagTable, readFlags, refusals } from "./schema-flags.ts";
import type { Shell } from "./shell.ts";
import { jsonLine, safeLine } from "./terminal-text.ts";
import { sectionsText, tableLines } from "./text-sections.ts";
import { untilStopped } from "./until-stopped.ts";

const what = { group: "What is done:" };
const words = { group: "Which words:" };
const where = { group: "Where they go:" };
const flags: FlagTable<Exclude<keyof TagOptions, "audit">> = {
  write: what,
  out: { ...what, short: "o", value: "folder" },
  undo: what,
  moved: { ...what, value: "old=new" },
  show: what,
  workers: what,
  thresholds: { ...words, value: "file" },
  name: words,
  families: { ...words, value: "family" },
  outer: words,
  blackTheme: words,
  position: where,
  keepTokens: where,
  separator: where,
};

const HELP = `
Six families say in four words each what a picture measures, such as "dark", "normal brightness", "bright", "very bright": contrast,
brightness, sharpness, dynamicColours, colourfulness, saturation. Where one word ends and the next begins is fitted to the set: a quarter of it
gets the first word, a tenth the last. Thresholds are kept in the audit's folder, and are the same on every set that is tagged with
--thresholds FILE. A set too small or too even to fit to takes --thresholds built-in.

A model knows "dark" from skin, moods and places as well, and the control token shares that meaning; --black-theme takes
"black theme" for it, which tag sites use of a picture's colours alone.

Without --write nothing is changed: counts and the first changes are shown. With it, what is put in is entered in the audit folder's
tags.jsonl first. So a second run changes nothing, other thresholds or families replace the tokens of before, a word that you had in a caption
yourself is never doubled or removed, and --undo brings every caption back as it was. A caption that you have changed since keeps your changes.
After the set has been moved, --moved OLD=NEW says from where to where, once.

Examples:
  illustrious audit pictures --out audit
  illustrious tag audit
  illustrious tag audit --thresholds built-in
  illustrious tag audit --write sidecars --families brightness --families saturation --outer
  illustrious tag audit --write metadata --position start --keep-tokens 1
  illustrious tag audit --write copy --out tagged
  illustrious tag audit --write tars --out tagged-shards
  illustrious tag audit --undo
  illustrious tag audit --undo --moved pictures=disk2/pictures

Captions beside images (.caption, .txt) are sidecars; images without one get a .txt. Of several lines, each gets the tokens. --write copy leaves
the set alone and makes a folder to train from: images are hard links, which take no room, captions are written. --write tars makes new
archives; the old ones are never changed.
`;

/** The task as the library has it; loaded when it runs, for `--help` needs nothing of it. */
export type TagTask = (input: TagInput, control: TagControl) => AsyncGenerator<TagEvent, void>;

const libraryTask: TagTask = async function* (input, control) {
  const { tag } = await import("../tasks/tag.ts");
  yield* tag(input, control);
};

export function install(command: Command, context: Context): void {
  installWith(libraryTask, command, context);
}

/** @param task in the library's place */
export function installWith(task: TagTask, command: Command, { shell, exitWith }: Context): void {
  command.usage("[options] <audit>").argument("<audit>", tagOptions.shape.audit.description);
  addFlags(command, tagOptions, flags);
  command
    .optionsGroup("Output:")
    .option("--json", "events as lines of JSON on stdout")
    .helpOption("-h, --help", "this help");
  command.addHelpText("after", HELP);
  command.action(async (audit: string) => exitWith(await run(task, audit, command, shell)));
}

async function run(task: TagTask, audit: string, command: Command, shell: Shell): Promise<number> {
  const { values, typed } = readFlags(command, tagOptions, flags);
  const given = { audit, ...values };
  const checked = tagOptions.safeParse(given);
  if (!checked.success) throw usageError(refusals(checked.error, tagOptions, flags, typed, given).join("\n"));
  const line = liveLine(shell);
  const { json = false } = command.opts<{ readonly json?: boolean }>();
  const show = json ? (event: TagEvent) => shell.stdout.write(jsonLine(event)) : human(shell, line, checked.data);
  const stopWords = {
    stopping: "stopping after the captions in work; Ctrl-C once more stops at once",
    stopped: ({ message }: IllustriousError) => `${safeLine(message)}; the same command goes on from there`,
  };
  return untilStopped(shell, line, stopWords, async (signal) => {
    for await (const event of task(checked.data, { signal })) show(event);
  });
}

/** Captions left that are shown one by one. */
const MOST_LEFT = 20;

function human(shell: Shell, line: LiveLine, options: TagOptions): (event: TagEvent) => void {
  const paint = paintFor(shell.stderr, shell.env);
  const out = paintFor(shell.stdout, shell.env);
  let began = shell.now();
  let left = 0;
  return (event) => {
    switch (event.type) {
      case "thresholds":
        // What counting took says nothing of captions.
        began = shell.now();
        return line.keep(
          `thresholds ${safeLine(event.name)}@${event.digest}, of ${counted(event.thresholds.pictures, "picture")}\n`,
        );
      case "counting":
        return line.show(countingText(event, (shell.now() - began) / 1000), event.type);
      case "change":
        line.end();
        shell.stdout.write(changeText(event, out));
        return;
      case "left":
        if (left++ < MOST_LEFT) line.keep(`${paint.yellow("left:")} ${safeLine(event.message)}\n`);
        return;
      case "progress":
        return line.show(progressText(event, (shell.now() - began) / 1000), event.type);
      case "done":
        line.end();
        shell.stdout.write(sectionsText(sectionsOf(event), out));
        if (event.out !== undefined) shell.stdout.write(`${safeLine(event.out)}\n`);
        if (event.left.gone !== undefined) {
          const hint = `illustrious tag ${safeLine(options.audit)} --undo --moved OLD=NEW`;
          shell.stderr.write(`if the captions that are gone have been moved: ${hint}\n`);
        }
        if (!event.written && event.changed > 0) {
          const hint = `illustrious tag ${safeLine(options.audit)} --write sidecars (or metadata, copy, tars: see --help)`;
          shell.stderr.write(`nothing was written; to do it: ${hint}\n`);
        }
    }
  };
}

type Change = Extract<TagEvent, { type: "change" }>;

function changeText({ caption, before, after }: Change, paint: Paint): string {
  const side = (sign: string, text: string | null) =>
    text === null ? [] : text.split(/\r\n|\r|\n/).map((one) => `${sign} ${safeLine(one)}`);
  const [olds, news] = [side("-", before), side("+", after)];
  const same = (other: readonly string[], one: string) => other.some((two) => two.slice(1) === one.slice(1));
  const lines = [
    ...olds.filter((one) => !same(news, one)).map((one) => paint.red(one)),
    ...news.filter((one) => !same(olds, one)).map((one) => paint.green(one)),
  ];
  const kind = before === null ? " (new)" : after === null ? " (removed)" : "";
  return `${safeLine(caption)}${kind}\n${lines.map((one) => `  ${one}\n`).join("")}`;
}

function countingText({ images, total }: Extract<TagEvent, { type: "counting" }>, seconds: number): string {
  const left = images === 0 ? "" : ` · ${timeLeft(total - images, images, seconds)}`;
  return `counting for thresholds: ${images.toLocaleString("en-US")} of ${total.toLocaleString("en-US")} images${left}`;
}

function progressText(event: Extract<TagEvent, { type: "progress" }>, seconds: number): string {
  const { images, changed, total } = event;
  const of = total === undefined ? "" : ` of ${total.toLocaleString("en-US")}`;
  const parts = [`${images.toLocaleString("en-US")}${of} images`, `${changed.toLocaleString("en-US")} changed`];
  if (images > 0 && seconds > 0) {
    parts.push(`${(images / seconds).toPrecision(3)} images/s`);
    if (total !== undefined) parts.push(timeLeft(total - images, images, seconds));
  }
  return parts.join(" · ");
}

const REASONS: Readonly<Record<LeftReason, string>> = {
  no_measures: "no measures",
  in_archive: "in an archive",
  elsewhere: "kept in the other kind of place",
  unclear: "changed since, tokens not to be told apart",
  shared: "another image's, too",
  unreadable: "not readable",
  unwritable: "not to be written",
  no_caption: "no caption in the metadata",
  gone: "not there any more; the ledger keeps them",
  set_changed: "gone or changed since the audit",
  written_meanwhile: "written by another program meanwhile",
};

function sectionsOf(event: Extract<TagEvent, { type: "done" }>) {
  const { written, images, changed, created, removed, unchanged, left, tokens } = event;
  const rows = (entries: readonly (readonly [string, number])[]) =>
    tableLines(entries.filter(([, count]) => count > 0).map(([name, count]) => [name, count]));
  return [
    { title: "Tokens", lines: rows(Object.entries(tokens).sort(([a], [b]) => (a < b ? -1 : 1))) },
    {
      title: written ? "Captions" : "Captions, if written",
      lines: tableLines([
        ["images", images],
        ["changed", changed],
        ["new files among them", created],
        ["files taken away", removed],
        ["as they should be", unchanged],
      ]),
    },
    {
      title: "Left as they are",
      lines: rows(Object.entries(left).map(([reason, count]) => [REASONS[reason as LeftReason], count] as const)),
    },
  ];
}
