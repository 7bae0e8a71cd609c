/** @file `illustrious generate`: pictures from a prompt. */

import type { Command } from "commander";
import { type GenerateInput, generateOptions } from "../tasks/generate-options.ts";
import { type Context, usageError } from "./command.ts";
import { follow } from "./follow.ts";
import { GROUPS, generateFlags } from "./generate-flags.ts";
import { type OutputFile, outputFile } from "./output-file.ts";
import { datedFolder } from "./output-folder.ts";
import { type ReportFlags, reportFor } from "./report-choice.ts";
import { addFlags, readFlags, refusals } from "./schema-flags.ts";
import { shippedModel, shippedModels } from "./shipped-models.ts";

const EXAMPLES = `
The sizes and crops have twins for the negative prompt's half: --negative-original-width and so on; by default they are
the same.

Examples:
  illustrious generate "1girl, red hair, blue eyes, garden"
  illustrious generate "two girls reading" -m models/illustrious-xl-v3.5-vpred.safetensors -W 832 -H 1216 -c 4
  illustrious generate "night city" -n "text, blurry" -s 28 --cfg 5 --cfg-rescale 0.4 --seed 7 -o city.png
  illustrious generate --from city.png --seed 8

Pictures go to outputs/<date>/00000-<seed>.png, counting on from what is there, unless -o or --out-dir says otherwise;
their paths are printed on stdout. Each holds its own options: --from repeats it, and what is given beside it overrides.
`;

export function install(command: Command, context: Context): void {
  command.usage("[options] <prompt>").argument("[prompt...]", "what to draw (the same as --prompt)");
  addFlags(command, generateOptions, generateFlags);
  command.optionsGroup(GROUPS.output).helpOption("-h, --help", "this help");
  command.option("-o, --out <file.png>", "the one picture's file, replaced if it is there");
  command.option("--json", "events as lines of JSON on stdout (pictures as paths)");
  command.option("-q, --quiet", "warnings, errors and paths only");
  command.addHelpText("after", EXAMPLES);
  command.action(async (words: string[]) => context.exitWith(await generate(words, command, context)));
}

type OwnFlags = ReportFlags & { readonly out?: string };

async function generate(words: readonly string[], command: Command, { shell, tasks }: Context): Promise<number> {
  const own = command.opts<OwnFlags>();
  const { options, file } = resolve(words, command, own, shell.date());
  const run = { options, ...(file && { handle: file.handle }) };
  return follow(tasks.generate, [run], shell, reportFor(shell, own));
}

/** What is asked for: the flags over the shipped model's own options, with the command line's defaults. */
function resolve(words: readonly string[], command: Command, own: OwnFlags, date: Date): Resolved {
  const { values, typed } = readFlags(command, generateOptions, generateFlags);
  if (words.length > 0) {
    if (values.prompt !== undefined) throw usageError("the prompt is given twice, with and without --prompt");
    values.prompt = words.join(" ");
  }
  if (values.prompt === undefined) {
    throw usageError("no prompt is given", 'Such as: illustrious generate "1girl, red hair". For none at all: -p ""');
  }
  values.model ??= shippedModels()[0]?.name;
  const shipped = shippedModel(String(values.model));
  if (shipped) values.model = shipped.path;
  const file = own.out === undefined ? undefined : outputFile(own.out);
  const outDir = file ? undefined : datedFolder(date);
  const given = { ...(outDir && { outDir }), ...shipped?.preset, ...values };
  const checked = generateOptions.safeParse(given);
  if (!checked.success) {
    const lines = refusals(checked.error, generateOptions, generateFlags, typed, given);
    throw usageError(lines.join("\n"), "All options: illustrious generate --help");
  }
  if (file && checked.data.count > 1) {
    throw usageError(`--out names one file, and --count asks for ${checked.data.count} pictures`, "Use --out-dir.");
  }
  return { options: given as GenerateInput, file };
}

type Resolved = { readonly options: GenerateInput; readonly file: OutputFile | undefined };
