/** @file `illustrious export`: a model as one file for other programs. */

import type { Command } from "commander";
import type { ExportEvent } from "../tasks/export-model.ts";
import { type ExportInput, exportOptions } from "../tasks/export-options.ts";
import { paintFor } from "./colour.ts";
import { type Context, usageError } from "./command.ts";
import { type LiveLine, liveLine } from "./live-line.ts";
import { fileSize, timeLeft } from "./quantities.ts";
import { warningText } from "./report-human.ts";
import { addFlags, type FlagTable, readFlags, refusals } from "./schema-flags.ts";
import type { Shell } from "./shell.ts";
import { jsonLine, safeLine } from "./terminal-text.ts";
import { untilStopped } from "./until-stopped.ts";

const group = { group: "File:" };
const known = { group: "What you know of the model:" };
const flags: FlagTable<Exclude<keyof ExportInput, "model">> = {
  out: { ...group, short: "o", value: "file.safetensors", also: ["output"] },
  dtype: group,
  vae: { ...group, value: "path" },
  prediction: known,
  zeroSnr: known,
};

const HELP = `
The file has the layout of Stability's own SDXL checkpoints, the marks v_pred and ztsnr by which ComfyUI and Forge know what a model
predicts, and ModelSpec's metadata. Memory holds one tensor at a time. What a single file cannot carry, such as a tokenizer that is
not CLIP's or a shifted noise schedule, is said as a warning.

Examples:
  illustrious export runs/my-model/step-00004000/model -o my-model.safetensors
  illustrious export my-model -o my-model-fp16.safetensors --dtype fp16
  illustrious export unmarked.safetensors -o marked.safetensors --prediction v --zero-snr on
  illustrious export my-model -o baked.safetensors --vae sdxl_vae.safetensors
`;

/** The task as the library has it; loaded when it runs, for `--help` needs nothing of it. */
export type ExportTask = (
  input: ExportInput,
  control: { readonly signal?: AbortSignal },
) => AsyncGenerator<ExportEvent, void>;

const libraryTask: ExportTask = async function* (input, control) {
  const { exportModel } = await import("../tasks/export-model.ts");
  yield* exportModel(input, control);
};

export function install(command: Command, context: Context): void {
  installWith(libraryTask, command, context);
}

/** @param task in the library's place */
export function installWith(task: ExportTask, command: Command, { shell, exitWith }: Context): void {
  command.usage("[options] <model> -o <file.safetensors>").argument("<model>", exportOptions.shape.model.description);
  addFlags(command, exportOptions, flags);
  command.optionsGroup("Output:").helpOption("-h, --help", "this help");
  command.option("--json", "events as lines of JSON on stdout");
  command.addHelpText("after", HELP);
  command.action(async (model: string) => exitWith(await run(task, model, command, shell)));
}

async function run(task: ExportTask, model: string, command: Command, shell: Shell): Promise<number> {
  const { values, typed } = readFlags(command, exportOptions, flags);
  const given = { model, ...values };
  const checked = exportOptions.safeParse(given);
  if (!checked.success) throw usageError(refusals(checked.error, exportOptions, flags, typed, given).join("\n"));
  const line = liveLine(shell);
  const { json } = command.opts<{ readonly json?: boolean }>();
  const show = json ? (event: ExportEvent) => shell.stdout.write(jsonLine(event)) : human(shell, line);
  const words = {
    stopping: "stopping after this tensor; Ctrl-C once more stops at once",
    stopped: () => "stopped; no file was written",
  };
  return untilStopped(shell, line, words, async (signal) => {
    for await (const event of task(checked.data, { signal })) show(event);
  });
}

type ProgressEvent = Extract<ExportEvent, { type: "progress" }>;

function human(shell: Shell, line: LiveLine): (event: ExportEvent) => void {
  const paint = paintFor(shell.stderr, shell.env);
  let began: { readonly at: number; readonly bytes: number } | undefined;
  return (event) => {
    if (event.type === "warning") return line.keep(warningText(event, paint));
    if (event.type === "progress") {
      const at = shell.now();
      began ??= { at, bytes: event.bytes };
      return line.show(progressText(event, event.bytes - began.bytes, (at - began.at) / 1000));
    }
    line.end();
    shell.stderr.write(safeLine(`${event.tensors} tensors, ${fileSize(event.bytes)}`).concat("\n"));
    shell.stdout.write(`${safeLine(event.path)}\n`);
  };
}

/** @param done in `seconds`, since the first event */
function progressText({ bytes, total }: ProgressEvent, done: number, seconds: number): string {
  const share = `${Math.floor((100 * bytes) / total)} % of ${fileSize(total)}`;
  if (done <= 0 || seconds <= 0) return share;
  return `${share} · ${fileSize(done / seconds)}/s · ${timeLeft(total - bytes, done, seconds)}`;
}
