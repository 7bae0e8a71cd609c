/** @file `illustrious generate`: pictures from a prompt. */

import type { Command } from "commander";
import { samplerLabels, samplerNames, scheduleLabels, scheduleNames } from "../sampling/index.ts";
import { generateOptions } from "../tasks/generate-options.ts";
import { type Context, quoted, usageError } from "./command.ts";
import { follow } from "./follow.ts";
import { GROUPS, generateFlags } from "./generate-flags.ts";
import { generateRequest, type OwnFlags } from "./generate-request.ts";
import { reportFor } from "./report-choice.ts";
import { addFlags } from "./schema-flags.ts";
import { pictureProtocol } from "./terminal-picture.ts";

/** Such as `euler (Euler), ddim (DDIM)`, in lines that fit. */
function names<Name extends string>(all: readonly Name[], labelOf: (name: Name) => string): string {
  const lines = [""];
  for (const name of all) {
    const item = `${name} (${labelOf(name)}),`;
    if (lines.at(-1)!.length + item.length > 115) lines.push("");
    lines.push(`${lines.pop()} ${item}`);
  }
  return ` ${lines.join("\n ").replace(/,$/, "")}`;
}

const HELP = `
Samplers, as ComfyUI has them (as A1111 has them):
${names(samplerNames, (name) => samplerLabels[name].label)}
Schedules likewise:
${names(scheduleNames, (name) => scheduleLabels[name])}

The sizes and crops have twins for the negative prompt's half: --negative-original-width and so on; by default they are
the same.

Examples:
  illustrious generate "1girl, red hair, blue eyes, garden"
  illustrious generate "two girls reading" -m illustrious-xl-v3.5-vpred.safetensors -W 832 -H 1216 -c 4
  illustrious generate "night city" -n "text, blurry" -s 28 --cfg 5 --cfg-rescale 0.4 --seed 7 -o city.png
  illustrious generate --from city.png --seed 8

Pictures go to outputs/<date>/00000-<seed>.png, counting on from what is there, unless -o or --out-dir says otherwise;
their paths are printed on stdout. Each holds its own options: --from repeats it, and what is given beside it overrides.
A model is a path, or a name: of one that comes with the program, else of a file or folder here, in the folders that
ILLUSTRIOUS_MODELS names, or in ./models. Without --model it is ILLUSTRIOUS_MODEL, else the first that comes with the
program. Those bring the settings that suit them: the defaults above are for all others.
`;

export function install(command: Command, context: Context): void {
  command.usage("[options] <prompt>").argument("[prompt...]", "what to draw (the same as --prompt)");
  addFlags(command, generateOptions, generateFlags);
  command.optionsGroup(GROUPS.output).helpOption("-h, --help", "this help");
  command.option("--preview-to <file.png>", "write previews to this file, replacing it, not to the terminal");
  command.option("-o, --out <file.png>", "the one picture's file, replaced if it is there");
  command.option("-f, --from <picture.png>", "take options from a picture: ours, A1111's or ComfyUI's", onePicture);
  command.option("--json", "events as lines of JSON on stdout (pictures as paths)");
  command.option("-q, --quiet", "warnings, errors and paths only");
  command.addHelpText("after", HELP);
  command.action(async (words: string[]) => context.exitWith(await generate(words, command, context)));
}

/** The last of two would win without a word. */
function onePicture(path: string, before?: string): string {
  if (before === undefined) return path;
  throw usageError(
    `--from is given twice, ${quoted(before)} and ${quoted(path)}`,
    "Options are taken from one picture.",
  );
}

async function generate(words: readonly string[], command: Command, { shell, tasks }: Context): Promise<number> {
  const own = command.opts<OwnFlags>();
  const { run, notes } = await generateRequest(words, command, own, shell);
  const wanted = (run.options.preview ?? 0) > 0 && own.previewTo === undefined && !own.json;
  const protocol = wanted ? pictureProtocol(shell.stderr, shell.env) : undefined;
  const report = reportFor(shell, own, protocol);
  for (const message of notes) report.event({ type: "warning", message });
  if (wanted && !protocol) {
    const hint = "Write them to a file with --preview-to FILE.png.";
    report.event({
      type: "warning",
      message: "previews are shown in a terminal with colours, which this is not",
      hint,
    });
  }
  return follow(tasks.generate, [run], shell, report);
}
