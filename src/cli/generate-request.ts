/**
 * @file What a call of `illustrious generate` asks for: the flags, over what `--from` read from a picture, over the command
 * line's defaults. Below all of it lies what suits a shipped model, which the task itself adds.
 */

import type { Command } from "commander";
import { lookUpSampler } from "../sampling/index.ts";
import { shippedModels } from "../tasks/find-model.ts";
import { optionsFromPicture, otherFileWarnings, type PictureOptions } from "../tasks/from-picture.ts";
import { type GenerateInput, generateOptions } from "../tasks/generate-options.ts";
import { samplerFault } from "../tasks/known-names.ts";
import { usageError } from "./command.ts";
import type { Run } from "./follow.ts";
import { generateFlags } from "./generate-flags.ts";
import { outputFile } from "./output-file.ts";
import { datedFolder } from "./output-folder.ts";
import { previewFile } from "./preview-file.ts";
import type { ReportFlags } from "./report-choice.ts";
import { readFlags, refusals, type Typed } from "./schema-flags.ts";
import type { Shell } from "./shell.ts";

/** Flags that are no option of the task. */
export type OwnFlags = ReportFlags & { readonly out?: string; readonly from?: string; readonly previewTo?: string };

export type GenerateRequest = {
  readonly run: Run;
  /** For the user to know before it starts. */
  readonly notes: readonly string[];
};

type Values = Partial<Record<keyof GenerateInput, unknown>>;

/** @throws IllustriousError `bad_option` with one line for each thing that is wrong */
export async function generateRequest(
  words: readonly string[],
  command: Command,
  own: OwnFlags,
  shell: Shell,
): Promise<GenerateRequest> {
  const { values, typed } = readFlags(command, generateOptions, generateFlags);
  takePrompt(values, words);
  if (own.from === "") throw usageError('--from "": must be a picture', "Name a PNG, JPEG or WebP file.");
  const picture = own.from === undefined ? undefined : await optionsFromPicture(own.from, values, shell.env);
  if (values.prompt === undefined && picture?.options.prompt === undefined) {
    const why = picture ? `, and ${own.from} has none that is read here: ${picture.notes.join(" ")}` : "";
    throw usageError(
      `no prompt is given${why}`,
      'Such as: illustrious generate "1girl, red hair". For none at all: -p ""',
    );
  }
  // A variable set to nothing is as good as unset.
  const usual = () => shell.env.ILLUSTRIOUS_MODEL || firstShipped();
  const model = String(values.model ?? picture?.options.model ?? usual());
  // A schedule in the sampler's name ("DPM++ 2M Karras") is the user's word, above the picture's.
  const named = scheduleIn(values.sampler);
  const options = checked(
    {
      ...(own.out === undefined && { outDir: datedFolder(shell.date()) }),
      ...(own.previewTo !== undefined && { preview: 1 }),
      ...picture?.options,
      ...(named && { schedule: named }),
      ...values,
      model,
    },
    typed,
  );
  if (own.out !== undefined) refuseBesideOut(own.out, options);
  const notes = [...(picture?.notes ?? [])];
  if (picture?.source !== undefined && values.model === undefined && picture.options.model === undefined) {
    notes.push(`The picture names no model; ${model} is used. Another: --model.`);
  }
  return { run: { options, handle: await handlerOf(own, picture) }, notes };
}

function takePrompt(values: Values, words: readonly string[]): void {
  if (words.length === 0) return;
  if (values.prompt !== undefined) throw usageError("the prompt is given twice, with and without --prompt");
  values.prompt = words.join(" ");
}

/** What is no sampler's name has no schedule; the schema will say so, together with what else is wrong. */
function scheduleIn(sampler: unknown): string | undefined {
  if (typeof sampler !== "string" || samplerFault(sampler) !== undefined) return undefined;
  return lookUpSampler(sampler).schedule;
}

function firstShipped(): string {
  const first = shippedModels()[0];
  if (first) return first.name;
  throw usageError("--model is missing", "Name a checkpoint: a .safetensors file or a diffusers folder.");
}

function checked(given: Values, typed: Typed): GenerateInput {
  const result = generateOptions.safeParse(given);
  if (result.success) return given as GenerateInput;
  const lines = refusals(result.error, generateOptions, generateFlags, typed, given);
  throw usageError(lines.join("\n"), "All options: illustrious generate --help");
}

/** What asks for several pictures, or for another place than the one file. */
function refuseBesideOut(out: string, { count = 1, grid = false, outDir }: GenerateInput): void {
  if (count > 1) throw usageError(`--out names one file, and --count asks for ${count} pictures`, "Use --out-dir.");
  if (grid)
    throw usageError("--grid makes a sheet of several pictures, and --out names the file of one", "Use --out-dir.");
  if (outDir !== undefined) {
    throw usageError(
      `--out ${out} and --out-dir ${outDir} both say where the one picture goes`,
      "Leave one out, or put the folder into the file's name.",
    );
  }
}

/** What is done with each event before it is shown: files are written, and the model is compared with the picture's. */
async function handlerOf(own: OwnFlags, picture: PictureOptions | undefined): Promise<NonNullable<Run["handle"]>> {
  const preview = own.previewTo === undefined ? undefined : await previewFile(own.previewTo);
  const out = own.out === undefined ? undefined : await outputFile(own.out, own.previewTo);
  return async (event) => {
    await preview?.(event);
    const shown = out ? await out(event) : event;
    const warnings = picture ? otherFileWarnings(event, picture) : [];
    return [...warnings.map((message) => ({ type: "warning" as const, message })), shown];
  };
}
