/** @file `illustrious inspect`: what a model or a picture is, without loading weights or decoding pixels. */

import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Command } from "commander";
import { fileKindOf } from "../formats/file-kind.ts";
import type { ModelHashes } from "../formats/hash.ts";
import { inspectModel } from "../models/sdxl/inspect.ts";
import { fileHashes } from "../tasks/file-hashes.ts";
import { findModel } from "../tasks/find-model.ts";
import { readPictureFile } from "../tasks/read-picture.ts";
import { paintFor } from "./colour.ts";
import type { Context } from "./command.ts";
import { tellError } from "./errors.ts";
import { modelSections } from "./inspect-model.ts";
import { inspectPicture, pictureSections } from "./inspect-picture.ts";
import { fileSize } from "./quantities.ts";
import { EXIT, type Shell } from "./shell.ts";
import { clip, jsonLine, safeLine } from "./terminal-text.ts";
import { type Section, sectionsText } from "./text-sections.ts";

const HELP = `
Examples:
  illustrious inspect illustrious-xl-v3.5-vpred.safetensors
  illustrious inspect models/nano-v3.0-eps --hash
  illustrious inspect outputs/2025-03-22/00000-1.png
  illustrious inspect some-lora.safetensors --json | jq .prediction

A model is never run and its weights are not read, but for --hash, which reads every byte once; the answer is remembered
until the file changes.
`;

type Flags = { readonly hash?: boolean; readonly full?: boolean; readonly json?: boolean };

export function install(command: Command, context: Context): void {
  command
    .usage("[options] <path...>")
    .argument("<path...>", "model file, diffusers folder, shipped model's name or picture (PNG, JPEG, WebP)");
  command.option("--hash", "also the hashes by which sites know a file: reads all of it");
  command.option("--full", "every key and every text, nothing cut short");
  command.option("--json", "one JSON object a line on stdout, everything in it");
  command.addHelpText("after", HELP);
  command.action(async (paths: string[]) => context.exitWith(await inspectAll(paths, command.opts(), context.shell)));
}

/** One after the other; what cannot be inspected does not keep the others from it. */
async function inspectAll(paths: readonly string[], flags: Flags, shell: Shell): Promise<number> {
  let code: number = EXIT.ok;
  for (const [i, path] of paths.entries()) {
    try {
      const { data, sections, isWhole } = await inspectOne(path, flags, shell);
      if (!isWhole) code = EXIT.failed;
      if (flags.json) {
        shell.stdout.write(jsonLine(data));
        continue;
      }
      const text = sectionsText(sections, paintFor(shell.stdout, shell.env));
      shell.stdout.write(i === 0 ? text : `\n${text}`);
    } catch (error) {
      tellError(error, shell, flags.json === true);
      code = EXIT.failed;
    }
  }
  return code;
}

type Inspected = {
  readonly data: object;
  readonly sections: readonly Section[];
  /** It is a picture, or a model that opens as what it is. */
  readonly isWhole: boolean;
};

const PICTURES: ReadonlySet<string> = new Set(["png", "jpeg", "webp"]);

async function inspectOne(name: string, flags: Flags, shell: Shell): Promise<Inspected> {
  const full = flags.full === true;
  const { path } = await findModel(name, shell.env);
  if ((await isFile(path)) && PICTURES.has(await fileKindOf(path))) {
    const picture = inspectPicture(path, await readPictureFile(path));
    return { data: picture, sections: pictureSections(picture, full), isWhole: true };
  }
  const inspection = await inspectModel(path);
  const hashes = new Map<string, ModelHashes>();
  if (flags.hash) for (const file of inspection.files) hashes.set(file.path, await hashesOf(file.path, shell));
  return {
    data: { ...inspection, ...(flags.hash && { hashes: Object.fromEntries(hashes) }) },
    sections: modelSections(inspection, hashes, full),
    isWhole: inspection.problems.length === 0 && inspection.kind !== "unknown",
  };
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** With a line that shows how far it is, where there is a terminal. */
async function hashesOf(path: string, { stderr }: Shell): Promise<ModelHashes> {
  const steps = fileHashes(path);
  let shown = false;
  try {
    for (;;) {
      const { done, value } = await steps.next();
      if (done) return value;
      if (!stderr.isTTY) continue;
      const share = Math.floor((100 * value.bytes) / value.total);
      const line = safeLine(`hashing ${basename(path)} · ${share} % of ${fileSize(value.total)}`);
      stderr.write(`\r\x1b[2K${clip(line, stderr.columns - 1)}`);
      shown = true;
    }
  } finally {
    if (shown) stderr.write("\r\x1b[2K");
  }
}
