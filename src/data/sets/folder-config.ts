/**
 * @file A folder of images as a data set, without a file that describes it: `metadata.jsonl` as Hugging Face's imagefolder has it;
 * sd-scripts' `<repeats>_<class tokens>` folders (also inside `img/`, with `reg/` beside it); or images with captions beside them.
 */

import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { datasetConfigOf, type SetConfig } from "./dataset-config.ts";
import { IMAGE_ENDINGS } from "./decode.ts";

/**
 * @param options what `[general]` would say in a file, under the same names; `resolution` at least
 * @throws IllustriousError `missing_file` for no folder, `bad_file` for one without images, `bad_option`
 */
export async function folderConfig(folder: string, options: Readonly<Record<string, unknown>>): Promise<SetConfig> {
  const root = resolve(folder);
  return datasetConfigOf(
    { general: { enable_bucket: true, ...options }, datasets: [{ subsets: await folderSubsets(root) }] },
    root,
  );
}

type Subset = Record<string, string | number | boolean>;

/**
 * What `[[datasets.subsets]]` would say of a folder.
 *
 * @param regularisation a folder of such folders, if not `reg/` beside `img/`
 * @throws what `folderConfig` throws
 */
export async function folderSubsets(root: string, regularisation?: string): Promise<Subset[]> {
  const reg = regularisation === undefined ? [] : await numberedIn(regularisation, true);
  if (regularisation !== undefined && reg.length === 0) {
    const hint = "Put its images into folders called <repeats>_<class tokens>, such as 1_girl.";
    throw new IllustriousError("bad_file", `${regularisation} holds no such folder as 1_girl`, hint);
  }
  return [...(await subsetsIn(root)), ...reg];
}

async function subsetsIn(root: string): Promise<Subset[]> {
  const { files, folders } = await listFolder(root);
  if (files.includes("metadata.jsonl")) return [{ image_dir: root, metadata_file: join(root, "metadata.jsonl") }];
  const numbered = await numberedIn(root, false);
  const inImg = folders.includes("img") ? await numberedIn(join(root, "img"), false) : [];
  const inReg = folders.includes("reg") ? await numberedIn(join(root, "reg"), true) : [];
  const hasImages = files.some(isImageName);
  if (hasImages && numbered.length === 0 && inImg.length === 0) return [{ image_dir: root }];
  const found = [...numbered, ...inImg, ...inReg];
  if (hasImages && found.length > 0) {
    const hint = "Move those images into a folder such as 1_name, or describe the set in a TOML file.";
    throw new IllustriousError("bad_file", `${root} holds images beside folders such as ${found[0]!.image_dir}`, hint);
  }
  if (found.length > 0) return found;
  const hint = "Name a folder with images in it, or one of folders called <repeats>_<class tokens>.";
  throw new IllustriousError("bad_file", `${root} holds no images`, hint);
}

async function numberedIn(folder: string, isReg: boolean): Promise<Subset[]> {
  const { folders } = await listFolder(folder);
  return folders.flatMap((name) => {
    const [, repeats, tokens] = /^(\d{1,6})_(.*)$/.exec(name) ?? [];
    if (repeats === undefined || Number(repeats) === 0) return [];
    const subset: Subset = { image_dir: join(folder, name), num_repeats: Number(repeats), is_reg: isReg };
    return [tokens ? { ...subset, class_tokens: tokens } : subset];
  });
}

export const isImageName = (name: string): boolean =>
  IMAGE_ENDINGS.some((ending) => name.toLowerCase().endsWith(ending));

/** Names in the order of their UTF-16 units, the same on every machine; hidden ones are left out. */
export async function listFolder(folder: string): Promise<{ files: string[]; folders: string[] }> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    const missing = cause.code === "ENOENT" || cause.code === "ENOTDIR";
    const message = missing ? `${folder}: no such folder` : `${folder}: cannot be listed (${cause.code})`;
    throw new IllustriousError(missing ? "missing_file" : "bad_file", message, "Check the path.", { cause });
  });
  const seen = entries.filter(({ name }) => !name.startsWith("."));
  const names = (folders: boolean) =>
    seen
      .filter((entry) => entry.isDirectory() === folders)
      .map(({ name }) => name)
      .sort();
  return { files: names(false), folders: names(true) };
}
