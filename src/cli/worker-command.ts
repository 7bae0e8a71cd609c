/** @file `illustrious worker`: measures the chunks of audits that others have started; with `--status`, how far those are. */

import type { Command } from "commander";
import type { IllustriousError } from "../base/error.ts";
import type { AuditQueueStatus, AuditWorkerEvent, WorkerControl } from "../tasks/audit/worker.ts";
import { type WorkerInput, type WorkerOptions, workerOptions } from "../tasks/audit/worker-options.ts";
import { paintFor } from "./colour.ts";
import { type Context, usageError } from "./command.ts";
import { type LiveLine, liveLine } from "./live-line.ts";
import { counted } from "./quantities.ts";
import { warningText } from "./report-human.ts";
import { addFlags, type FlagTable, readFlags, refusals } from "./schema-flags.ts";
import { EXIT, type Shell } from "./shell.ts";
import { jsonLine, safeLine } from "./terminal-text.ts";
import { type Section, sectionsText, tableLines } from "./text-sections.ts";
import { untilStopped } from "./until-stopped.ts";

const work = { group: "Work:" };
const flags: FlagTable<keyof WorkerOptions> = {
  queue: { ...work, value: "url" },
  workers: work,
  below: { ...work, value: "folder" },
  stallAfter: { ...work, value: "seconds" },
};

const HELP = `
An audit that is called with --queue measures only images out of compressed archives itself: it puts chunks of the others into the queue, and
workers take them. Any number of workers may come and go at any time, on any machine that sees the images and the audit's folder under the same
paths.
docs/many-machines.md has the whole of it.

Examples:
  illustrious audit /data/pictures --out /data/audit --queue redis://host/0    on one machine
  illustrious worker --queue redis://host/0                                    on this one and all others
  illustrious worker --queue redis://host/0 --status                           from anywhere

Ctrl-C gives the chunk in work back with what is done of it. A worker that is killed or cut off costs what it had done of its chunk.
A password may stand in the URL, or in the variable ILLUSTRIOUS_REDIS_PASSWORD, where a list of processes does not show it.
`;

/** The tasks as the library has them. */
export type WorkerTasks = {
  work(input: WorkerInput, control: WorkerControl): AsyncGenerator<AuditWorkerEvent, void>;
  status(queue: string): Promise<AuditQueueStatus>;
};

const libraryTasks: WorkerTasks = {
  async *work(input, control) {
    const { auditWorker } = await import("../tasks/audit-worker.ts");
    yield* auditWorker(input, control);
  },
  async status(queue) {
    const { auditQueueStatus } = await import("../tasks/audit-worker.ts");
    return auditQueueStatus(queue);
  },
};

export function install(command: Command, context: Context): void {
  installWith(libraryTasks, command, context);
}

/** @param tasks in the library's place */
export function installWith(tasks: WorkerTasks, command: Command, { shell, exitWith }: Context): void {
  command.usage("[options] --queue <url>");
  addFlags(command, workerOptions, flags);
  command
    .optionsGroup("Output:")
    .option("--status", "how far the audits of the queue are, once")
    .option("--json", "events, or the status, as lines of JSON on stdout")
    .helpOption("-h, --help", "this help");
  command.addHelpText("after", HELP);
  command.action(async () => exitWith(await run(tasks, command, shell)));
}

async function run(tasks: WorkerTasks, command: Command, shell: Shell): Promise<number> {
  const { values, typed } = readFlags(command, workerOptions, flags);
  const checked = workerOptions.safeParse(values);
  if (!checked.success) throw usageError(refusals(checked.error, workerOptions, flags, typed, values).join("\n"));
  const { json = false, status = false } = command.opts<{ readonly json?: boolean; readonly status?: boolean }>();
  if (status) {
    const found = await tasks.status(checked.data.queue);
    shell.stdout.write(json ? jsonLine(found) : sectionsText(statusSections(found), paintFor(shell.stdout, shell.env)));
    return EXIT.ok;
  }
  const line = liveLine(shell);
  const show = json ? (event: AuditWorkerEvent) => shell.stdout.write(jsonLine(event)) : human(shell, line);
  const words = {
    stopping: "stopping after the images in work; Ctrl-C once more stops at once",
    stopped: ({ message }: IllustriousError) => safeLine(message),
  };
  return untilStopped(shell, line, words, async (signal) => {
    for await (const event of tasks.work(checked.data, { signal })) show(event);
  });
}

function human(shell: Shell, line: LiveLine): (event: AuditWorkerEvent) => void {
  const paint = paintFor(shell.stderr, shell.env);
  let at = 0;
  let what = "";
  return (event) => {
    switch (event.type) {
      case "ready":
        return line.keep(
          `${event.name} at ${event.queue}, ${event.workers === 1 ? "1 process" : `${event.workers} processes`}\n`,
        );
      case "warning":
        return line.keep(warningText(event, paint));
      case "begun":
        at = shell.now();
        what = `${event.job.folder} ${event.job.name.slice(0, 5)}: ${counted(event.job.images, "image")}`;
        return line.show(what);
      case "progress": {
        const { measured } = event.progress;
        const rate = measured / Math.max(1e-3, (shell.now() - at) / 1000);
        return line.show(`${what}, ${measured} measured · ${rate.toPrecision(3)} images/s`);
      }
      case "done":
        return line.show(`${what}, done; waiting for a chunk`);
      case "returned":
        return line.keep(`${safeLine(what || event.name)}, given back\n`);
      case "failed":
        return line.keep(`${paint.yellow("failed:")} ${safeLine(`${event.name}: ${event.message}`)}\n`);
      case "connection":
        return line.keep(event.lost ? warningText(event, paint) : `${safeLine(event.message)}\n`);
    }
  };
}

export function statusSections({ queue, workers, waiting, active, audits }: AuditQueueStatus): Section[] {
  return [
    {
      title: queue,
      lines: tableLines([
        ["workers", workers],
        ["chunks in work", active],
        ["chunks that wait", waiting],
      ]),
    },
    ...audits.map(({ folder, host, pid, images, total, share, errors, state }) => ({
      title: folder,
      lines: tableLines([
        ["state", state],
        ["by", `${host}/${pid}`],
        ["images", total === undefined ? images : `${images} of ${total}`],
        ["done", `${Math.floor(100 * share)} %`],
        ["without measures", errors],
      ]),
    })),
  ];
}
