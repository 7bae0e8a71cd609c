/** @file `illustrious audit`: the colours, sizes and captions of an image set as a table. */

import type { Command } from "commander";
import type { IllustriousError } from "../base/error.ts";
import type { AuditEvent } from "../tasks/audit/events.ts";
import { type AuditInput, type AuditOptions, auditOptions } from "../tasks/audit/options.ts";
import type { AuditControl } from "../tasks/audit/run.ts";
import { installBalance } from "./audit-balance.ts";
import { installCompare } from "./audit-compare.ts";
import { installReport } from "./audit-report.ts";
import { installSql } from "./audit-sql.ts";
import { paintFor } from "./colour.ts";
import { type Context, usageError } from "./command.ts";
import { type LiveLine, liveLine } from "./live-line.ts";
import { counted, fileSize, timeLeft } from "./quantities.ts";
import { warningText } from "./report-human.ts";
import { addFlags, type FlagTable, readFlags, refusals } from "./schema-flags.ts";
import type { Shell } from "./shell.ts";
import { jsonLine, safeLine } from "./terminal-text.ts";
import { untilStopped } from "./until-stopped.ts";

const work = { group: "Work:" };
const flags: FlagTable<Exclude<keyof AuditOptions, "paths">> = {
  out: { group: "Output:", short: "o", value: "folder" },
  workers: work,
  queue: { ...work, value: "url" },
  workingSide: work,
  nearDistance: { ...work, value: "bits" },
  timeLimit: { ...work, value: "seconds" },
  shard: work,
};

const HELP = `
Folders are searched with all below them; in one with a metadata.jsonl, the images that it names are the set. Captions come from there,
from .caption and .txt files beside images, and from archives' .txt or .json members; kohya's folders (10_name) say how often and what.

The table is Parquet: FOLDER/table/rows-*.parquet has a row an image, near-duplicates.parquet the groups of images that are the same or
nearly so. docs/audit.md explains every column. DuckDB, pandas and others read all of it at once:

  select source, saturation from 'audit/table/rows-*.parquet' where colourful order by saturation desc limit 20;

Examples:
  illustrious audit pictures --out audit
  illustrious audit shards/*.tar more/metadata.jsonl --out audit --workers 8
  illustrious audit /data/pictures --out /data/audit --queue redis://host/0    measured by every \`illustrious worker\` there is
  illustrious audit report audit --html audit.html
  illustrious audit sql audit "select format, count(*) from images group by all"

Images are decoded in processes of their own: what is broken or hostile becomes a row with the reason. Ctrl-C keeps what is done; the
same command goes on from there, also after a crash, and later measures only files that have changed.
`;

/** The task as the library has it; loaded when it runs, for `--help` needs nothing of it. */
export type AuditTask = (input: AuditInput, control: AuditControl) => AsyncGenerator<AuditEvent, void>;

const libraryTask: AuditTask = async function* (input, control) {
  const { audit } = await import("../tasks/audit.ts");
  yield* audit(input, control);
};

export function install(command: Command, context: Context): void {
  installWith(libraryTask, command, context);
}

/** @param task in the library's place */
export function installWith(task: AuditTask, command: Command, context: Context): void {
  const { shell, exitWith } = context;
  command.usage("[options] <paths...> --out <folder>").argument("<paths...>", auditOptions.shape.paths.description);
  addFlags(command, auditOptions, flags);
  command
    .optionsGroup("Output:")
    .option("--json", "events as lines of JSON on stdout")
    .helpOption("-h, --help", "this help");
  command.addHelpText("after", HELP);
  installReport(command.command("report").description("a finished audit in figures"), context);
  installSql(command.command("sql").description("a finished audit asked in SQL"), context);
  installCompare(command.command("compare").description("two finished audits beside each other"), context);
  installBalance(
    command.command("balance").description("repeats that spread a measure evenly, as a data set"),
    context,
  );
  command.action(async (paths: string[]) => exitWith(await run(task, paths, command, shell)));
}

async function run(task: AuditTask, paths: readonly string[], command: Command, shell: Shell): Promise<number> {
  const { values, typed } = readFlags(command, auditOptions, flags);
  const given = { paths: [...paths], ...values };
  const checked = auditOptions.safeParse(given);
  if (!checked.success) throw usageError(refusals(checked.error, auditOptions, flags, typed, given).join("\n"));
  const line = liveLine(shell);
  const { json = false } = command.opts<{ readonly json?: boolean }>();
  const show = json ? (event: AuditEvent) => shell.stdout.write(jsonLine(event)) : human(shell, line);
  const words = {
    stopping: "stopping after the images in work; Ctrl-C once more stops at once",
    stopped: ({ message }: IllustriousError) => `${safeLine(message)}; the same command goes on from there`,
  };
  return untilStopped(shell, line, words, async (signal) => {
    for await (const event of task(checked.data, { signal })) show(event);
  });
}

function human(shell: Shell, line: LiveLine): (event: AuditEvent) => void {
  const paint = paintFor(shell.stderr, shell.env);
  let pace = newPace(shell);
  return (event) => {
    switch (event.type) {
      case "known":
        return line.keep(`${counted(event.rows, "row")} of earlier runs are kept where their files have not changed\n`);
      case "found": {
        const archives = event.archives === 0 ? "" : ` and ${counted(event.archives, "archive")}`;
        return line.keep(`${counted(event.images, "image")}${archives}, ${fileSize(event.bytes)}\n`);
      }
      case "warning":
        return line.keep(warningText(event, paint));
      case "connection":
        // How fast it goes does not count how long it stood.
        pace = newPace(shell, event.lost);
        line.end();
        line.keep(event.lost ? warningText(event, paint) : `${safeLine(event.message)}\n`);
        if (event.lost) line.show(AWAY, AWAY);
        return;
      case "stage":
        return line.show(
          event.message + (event.share === undefined ? "" : ` · ${Math.floor(100 * event.share)} %`),
          event.message,
        );
      case "progress":
        return line.show(pace(event));
      case "shard":
        return;
      case "done": {
        line.end();
        const { images, kept, errors, badSources, groups, grouped } = event;
        const parts = [
          counted(images, "image"),
          ...(kept > 0 ? [`${kept.toLocaleString("en-US")} of them as before`] : []),
          ...(errors > 0 ? [`${errors.toLocaleString("en-US")} without measures`] : []),
          ...(badSources > 0 ? [`${counted(badSources, "row")} of what could not be understood`] : []),
          ...(groups > 0 ? [`${counted(groups, "group")} of near-duplicates with ${counted(grouped, "image")}`] : []),
        ];
        shell.stderr.write(`${paint.green(parts.join(", "))}\n`);
        shell.stdout.write(`${safeLine(event.folder)}\n`);
      }
    }
  };
}

type ProgressEvent = Extract<AuditEvent, { type: "progress" }>;

const AWAY = "waiting for Redis";

/**
 * Images done, rate and time left, by those that were measured: what is kept of earlier runs takes no time.
 *
 * @param away whether only what needs no queue goes on
 */
function newPace(shell: Shell, away = false): (event: ProgressEvent) => string {
  let began: { readonly at: number; readonly event: ProgressEvent } | undefined;
  return (event) => {
    const { images, kept, errors, share, total, workers } = event;
    const at = shell.now();
    if (!began || kept === images) began = { at, event };
    const seconds = (at - began.at) / 1000;
    const measured = images - kept - (began.event.images - began.event.kept);
    const of = total === undefined ? "" : ` of ${total.toLocaleString("en-US")}`;
    const parts = [`${images.toLocaleString("en-US")}${of} images`, `${Math.floor(100 * share)} %`];
    if (away) parts.push(AWAY);
    else if (workers !== undefined) parts.push(workers === 0 ? "no worker is there" : counted(workers, "worker"));
    if (errors > 0) parts.push(`${errors.toLocaleString("en-US")} without measures`);
    if (measured > 0 && seconds > 0) {
      parts.push(`${(measured / seconds).toPrecision(3)} images/s`);
      const grown = share - began.event.share;
      if (grown > 0) parts.push(timeLeft(1 - share, grown, seconds));
    }
    return parts.join(" · ");
  };
}
