/** @file `illustrious evaluate`: what models can do on drawn scenes, as a table. */

import { dirname } from "node:path";
import type { Command } from "commander";
import { writeFileAtomic } from "../formats/atomic-write.ts";
import { encodePng } from "../formats/png/index.ts";
import { type EvaluateInput, type EvaluateOptions, evaluateOptions, ROW_NAMES } from "../tasks/evaluate/options.ts";
import type { EvaluateControl, EvaluateEvent } from "../tasks/evaluate/run.ts";
import { evaluationMarkdown, evaluationText } from "../tasks/evaluate/table.ts";
import { checkFile, makeFolder } from "../tasks/output-place.ts";
import { paintFor } from "./colour.ts";
import { type Context, usageError } from "./command.ts";
import { liveLine } from "./live-line.ts";
import { checkPngName } from "./output-file.ts";
import { timeLeft } from "./quantities.ts";
import { warningText } from "./report-human.ts";
import { addFlags, type FlagTable, readFlags, refusals } from "./schema-flags.ts";
import type { Shell } from "./shell.ts";
import { jsonLine, safeLine, safeText } from "./terminal-text.ts";
import { untilStopped } from "./until-stopped.ts";

const work = { group: "Work:" };
const flags: FlagTable<Exclude<keyof EvaluateOptions, "models" | "only">> = {
  quick: work,
  seeds: work,
  batch: { ...work, short: "b" },
  threads: work,
  folder: { ...work, value: "folder" },
};

const HELP = `
Rows: simple (two girls, in few words), long (in 300 tokens and more), empty (black and white backgrounds), saturation (colours
against the data's, overshoot of the first step), control (control tokens), sizes (64 to 256 pixels). docs/evaluation.md says what
each figure is.

Examples:
  illustrious evaluate nano-v3.0-eps --quick
  illustrious evaluate models/a models/b --only simple,long --json result.json --sheet sheets/result.png

What was drawn is kept in the folder and not drawn again: after Ctrl-C the same command goes on where it was.
`;

type Own = {
  readonly only?: string;
  readonly json?: string;
  readonly markdown?: string;
  readonly sheet?: string;
};

/** The task as the library has it; loaded when it runs, for `--help` needs nothing of it. */
export type EvaluateTask = (input: EvaluateInput, control: EvaluateControl) => AsyncGenerator<EvaluateEvent, void>;

const libraryTask: EvaluateTask = async function* (input, control) {
  const { evaluate } = await import("../tasks/evaluate.ts");
  yield* evaluate(input, control);
};

export function install(command: Command, context: Context): void {
  installWith(libraryTask, command, context);
}

/** @param task in the library's place */
export function installWith(task: EvaluateTask, command: Command, { shell, exitWith }: Context): void {
  command.usage("[options] <model...>").argument("<model...>", "what to judge: paths or names, as generate takes them");
  command.optionsGroup(work.group).option("--only <rows>", `rows to fill, with commas between: ${ROW_NAMES.join(",")}`);
  addFlags(command, evaluateOptions, flags);
  command.optionsGroup("Output:").helpOption("-h, --help", "this help");
  command.option("--json <file>", "the result with all figures, as JSON");
  command.option("--markdown <file.md>", "the table, as Markdown");
  command.option(
    "--sheet <file.png>",
    "all pictures, failures framed: a file each model and row, named after this one",
  );
  command.addHelpText("after", HELP);
  command.action(async (models: string[]) => exitWith(await run(task, models, command, shell)));
}

async function run(task: EvaluateTask, models: readonly string[], command: Command, shell: Shell): Promise<number> {
  const own = command.opts<Own>();
  const input = inputOf(models, command, own);
  if (own.sheet !== undefined) checkPngName("--sheet", own.sheet, "Sheets are PNG files, one each model and row.");
  for (const path of [own.json, own.markdown, own.sheet]) if (path !== undefined) await checkFile(path);
  const line = progressLine(shell);
  const words = {
    stopping: "stopping after this step; Ctrl-C once more stops at once",
    stopped: () => "stopped; finished pictures are kept, and the same command goes on from them",
  };
  return untilStopped(shell, line, words, async (signal) => {
    for await (const event of task(input, { signal, sheets: own.sheet !== undefined })) {
      await handle(event, own, line, shell);
    }
  });
}

function inputOf(models: readonly string[], command: Command, { only }: Own): EvaluateInput {
  const { values, typed } = readFlags(command, evaluateOptions, flags);
  const rows = only?.split(",").map((row) => row.trim());
  const unknown = rows?.find((row) => !(ROW_NAMES as readonly string[]).includes(row));
  if (unknown !== undefined) throw usageError(`--only ${unknown}: no such row`, `Rows are ${ROW_NAMES.join(", ")}.`);
  const given = { models, ...(rows && { only: rows }), ...values };
  const checked = evaluateOptions.safeParse(given);
  if (checked.success) return given as EvaluateInput;
  throw usageError(refusals(checked.error, evaluateOptions, flags, typed, given).join("\n"));
}

async function handle(event: EvaluateEvent, own: Own, line: Line, shell: Shell): Promise<void> {
  const paint = paintFor(shell.stderr, shell.env);
  switch (event.type) {
    case "model": {
      const known = event.known === 0 ? "" : `, ${event.known} of them drawn before`;
      line.keep(`${safeLine(`${event.name}: ${event.pictures} pictures${known}; kept in ${event.folder}`)}\n`);
      break;
    }
    case "warning":
      line.warn(
        `${event.model}: ${event.message}`,
        warningText({ ...event, message: `${event.model}: ${event.message}` }, paint),
      );
      break;
    case "judging":
    case "progress":
      line.show(event);
      break;
    case "row":
      break;
    case "sheet": {
      const path = sheetPath(own.sheet!, event.model, event.row);
      await write(path, encodePng(event.image));
      line.keep(`${safeLine(path)}\n`);
      break;
    }
    case "done": {
      const { evaluation } = event;
      line.end();
      shell.stdout.write(safeText(evaluationText(evaluation)));
      if (own.json !== undefined) await write(own.json, new TextEncoder().encode(jsonLine(evaluation)));
      if (own.markdown !== undefined)
        await write(own.markdown, new TextEncoder().encode(evaluationMarkdown(evaluation)));
    }
  }
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  const place = await checkFile(path);
  await makeFolder(dirname(place));
  await writeFileAtomic(place, bytes);
}

/** `sheet.png` becomes `sheet-nano-simple.png`. */
function sheetPath(path: string, model: string, row: string): string {
  return `${path.slice(0, -".png".length)}-${model.replace(/[^\p{L}\d._-]+/gu, "-")}-${row}.png`;
}

type ProgressEvent = Extract<EvaluateEvent, { type: "progress" | "judging" }>;

type Line = {
  keep(text: string): void;
  /** Once for each message: every batch would repeat it. */
  warn(message: string, text: string): void;
  show(event: ProgressEvent): void;
  end(): void;
};

/** Rate and time left. */
function progressLine(shell: Shell): Line {
  const line = liveLine(shell);
  const warned = new Set<string>();
  let began: { readonly type: ProgressEvent["type"]; readonly at: number; readonly done: number } | undefined;
  return {
    keep: line.keep,
    warn(message, text) {
      if (!warned.has(message)) line.keep(text);
      warned.add(message);
    },
    show(event) {
      const at = shell.now();
      // Each model's kept pictures are counted by themselves.
      if (began?.type !== event.type || event.done < began.done) began = { type: event.type, at, done: event.done };
      line.show(progressText(event, event.done - began.done, (at - began.at) / 1000), `${event.type} ${event.model}`);
    },
    end: line.end,
  };
}

/** @param done since the first event, in `seconds` */
function progressText(event: ProgressEvent, done: number, seconds: number): string {
  const { type, model, row, cell, done: all, total } = event;
  const percent = Math.floor((100 * all) / total);
  const parts = [`${percent} %`, `${type === "judging" ? "judging again " : ""}${model}, ${row}: ${cell}`];
  if (done > 0 && seconds > 0) {
    parts.push(`${(done / seconds).toPrecision(2)} pictures/s`, timeLeft(total - all, done, seconds));
  }
  return parts.join(" · ");
}
