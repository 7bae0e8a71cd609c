/** @file The options that belong to a picture, and the collecting of them from one. */

import { basename, resolve, win32 } from "node:path";
import { generateFields } from "./generate-options.ts";
import { readLoraChoice, writeLoraChoice } from "./lora-choice.ts";

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
  const checked = pictureOptions.shape[name].safeParse(withoutFolders(name, value));
  if (checked.success) draft.options[name] = checked.data;
  else draft.unused.push(written);
}

function withoutFolders(name: PictureOption, value: unknown): unknown {
  if (name === "model" && typeof value === "string") return fileName(value);
  if (name === "vae" && typeof value === "string") return isNameInFolder(value) ? value : fileName(value);
  if (name !== "loras" || !Array.isArray(value)) return value;
  // What a picture has is text; as an object it would keep its folders.
  return value.map((text) => (typeof text === "string" ? portableLora(text) : undefined));
}

/** A LoRA and its strengths, without the folder that it lies in. */
export function portableLora(text: string): string {
  const choice = readLoraChoice(text);
  return writeLoraChoice({ ...choice, name: fileName(choice.name).replace(/\.safetensors$/i, "") });
}

const WEIGHT_FILE = /\.(safetensors|sft|ckpt|pth?|bin)$/i;

/** A diffusers folder, as opposed to a file of weights. */
export function isVaeFolder(path: string): boolean {
  return !WEIGHT_FILE.test(path);
}

/**
 * By what a VAE is found again: a file by its name, and what diffusers calls `vae` in every model, or
 * `diffusion_pytorch_model.safetensors` in every folder, by the names of the folders around it as well.
 */
export function portableVae(path: string): string {
  if (!isVaeFolder(path) && !/^diffusion_pytorch_model\b/.test(fileName(path))) return fileName(path);
  const parts = resolve(path)
    .split(/[\\/]/)
    .filter((part) => part !== "");
  return parts.slice(isVaeFolder(path) ? -2 : -3).join("/");
}

/** As `portableVae` writes it: one or two folders, from nowhere in particular, and the name. */
function isNameInFolder(text: string): boolean {
  const parts = text.split("/");
  return parts.length > 1 && parts.length <= 3 && parts.every((part) => /^(?!\.*$)[^\\:]+$/.test(part));
}

/** Of a path as either family of systems writes it. */
export function fileName(path: string): string {
  return win32.basename(basename(path));
}
