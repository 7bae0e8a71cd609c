/** @file `illustrious start`, which is what `npm start` calls: every shipped model draws the prompt, and a sheet shows all. */

import { basename, join } from "node:path";
import type { Command } from "commander";
import { IllustriousError } from "../base/error.ts";
import { writeFileAtomic } from "../formats/atomic-write.ts";
import { encodePng, type RgbImage } from "../formats/png/index.ts";
import { CELL, cellOf, MARGIN, sheetOf, squared, squareOf } from "../pipeline/sheet.ts";
import { shippedModels } from "../tasks/find-model.ts";
import { type GenerateInput, generateFields, generateOptions } from "../tasks/generate-options.ts";
import { makeFolder } from "../tasks/output-place.ts";
import { type Context, usageError } from "./command.ts";
import { follow, type Run } from "./follow.ts";
import { generateFlags } from "./generate-flags.ts";
import { datedFolder } from "./output-folder.ts";
import { reportFor } from "./report-choice.ts";
import { addFlags, readFlags, refusals } from "./schema-flags.ts";
import { EXIT } from "./shell.ts";

const { negativePrompt, seed, count, threads, outDir } = generateFlags;
const startFlags = { negativePrompt, seed, count, threads, outDir };

const PROMPT =
  "There are two girls in the image. The girl in the left is red hair with sea-black eyes. " +
  "The girl in the right is blue hair, and fiery ruby eyes";

/** A sheet of two by two a model, always the same. */
const DEFAULTS = { seed: 1, count: 4 };

export function install(command: Command, context: Context): void {
  command
    .usage("[options] [prompt]")
    .argument("[prompt...]", "what to draw [default: two girls, told apart by hair and eyes]");
  addFlags(command, generateOptions, startFlags);
  command.option("--json", "events as lines of JSON on stdout (pictures as paths)");
  command.option("-q, --quiet", "warnings, errors and paths only");
  command.addHelpText(
    "after",
    `\nHere --seed is 1 and --count is 4 unless stated. Each model uses the settings that suit it.\n`,
  );
  command.action(async (words: string[]) => context.exitWith(await start(words, command, context)));
}

async function start(words: readonly string[], command: Command, { shell, tasks }: Context): Promise<number> {
  const folder = command.opts<{ outDir?: string }>().outDir ?? datedFolder(shell.date());
  const asked = optionsOf(words, command, folder);
  const report = reportFor(shell, command.opts());
  const rows: RgbImage[][] = [];
  let number: string | undefined;
  const models = shippedModels();
  const { count = 1 } = asked;
  const layout = models.length === 1 ? squareOf(count) : { columns: count, rows: models.length };
  const runs = models.map(({ path }): Run => {
    const row: RgbImage[] = [];
    rows.push(row);
    return {
      options: { ...asked, model: path },
      async handle(event) {
        if (event.type !== "picture") return [event];
        row.push(await cellOf(event.image, layout, CELL));
        number ??= /^(\d+)-/.exec(basename(event.path ?? ""))?.[1];
        return [event];
      },
    };
  });
  if (runs.length === 0) {
    throw new IllustriousError(
      "missing_file",
      "no model came with this installation",
      "Use `illustrious generate --model`.",
    );
  }
  const code = await follow(tasks.generate, runs, shell, report);
  if (code !== EXIT.ok) return code;
  // By the number of its first picture, so that an earlier sheet stays.
  const path = join(folder, `sheet-${number ?? "00000"}.png`);
  await makeFolder(folder);
  const image = sheetOf(rows.length === 1 ? squared(rows[0]!) : rows, MARGIN);
  await writeFileAtomic(path, encodePng(image));
  report.note("all of them on one sheet:");
  report.event({ type: "grid", image, path });
  return code;
}

function optionsOf(words: readonly string[], command: Command, folder: string): Omit<GenerateInput, "model"> {
  const { values, typed } = readFlags(command, generateOptions, startFlags);
  const given = { ...DEFAULTS, prompt: words.join(" ") || PROMPT, ...values, outDir: folder };
  const checked = generateFields.omit({ model: true }).safeParse(given);
  if (checked.success) return given as Omit<GenerateInput, "model">;
  throw usageError(refusals(checked.error, generateOptions, startFlags, typed, given).join("\n"));
}
