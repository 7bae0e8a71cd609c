/** @file The options that belong to a picture, and the collecting of them from one. */

import { basename, win32 } from "node:path";
import { generateFields } from "./generate-options.ts";

/** Without those that say where and how the work is done, which a picture neither tells nor decides. */
export const pictureOptions = generateFields.omit({
  count: true,
  batch: true,
  preview: true,
  threads: true,
  memory: true,
  outDir: true,
  grid: true,
});

export type PictureOption = keyof typeof pictureOptions.shape;

/** What is read so far. */
export type Draft = {
  readonly options: { [key: string]: unknown };
  readonly unused: string[];
  readonly notes: string[];
};

/**
 * Takes a value that the schema allows; notes one that it does not. Of a path only the file's name is taken: a stranger's
 * picture shall not choose which file of this machine is opened.
 *
 * @param written how the picture has it, as `key: value`
 */
export function take(draft: Draft, name: PictureOption, value: unknown, written: string): void {
  const isPath = (name === "model" || name === "vae") && typeof value === "string";
  const checked = pictureOptions.shape[name].safeParse(isPath ? fileName(value) : value);
  if (checked.success) draft.options[name] = checked.data;
  else draft.unused.push(written);
}

/** Of a path as either family of systems writes it. */
export function fileName(path: string): string {
  return win32.basename(basename(path));
}
