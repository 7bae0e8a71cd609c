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
  const { subsets, passedOver } = await folderSubsets(root);
  const raw = { general: { enable_bucket: true, ...options }, datasets: [{ subsets }] };
  return { ...datasetConfigOf(raw, root), passedOver };
}

type Subset = Record<string, string | number | boolean>;

export type FolderSubsets = {
  readonly subsets: readonly Subset[];
  /** Folders beside them that hold images, and whose names say no repeats. */
  readonly passedOver: readonly string[];
};

/**
 * What `[[datasets.subsets]]` would say of a folder.
 *
 * @param regularisation a folder of such folders, if not `reg/` beside `img/`
 * @throws what `folderConfig` throws
 */
export async function folderSubsets(root: string, regularisation?: string): Promise<FolderSubsets> {
  const reg = regularisation === undefined ? NONE : await numberedIn(regularisation, true);
  if (regularisation !== undefined && reg.subsets.length === 0) {
    const hint = "Put its images into folders called <repeats>_<class tokens>, such as 1_girl.";
    throw new IllustriousError("bad_file", `${regularisation} holds no such folder as 1_girl`, hint);
  }
  return together([await subsetsIn(root), reg]);
}

const NONE: FolderSubsets = { subsets: [], passedOver: [] };

const together = (parts: readonly FolderSubsets[]): FolderSubsets => ({
  subsets: parts.flatMap(({ subsets }) => subsets),
  passedOver: parts.flatMap(({ passedOver }) => passedOver),
});

async function subsetsIn(root: string): Promise<FolderSubsets> {
  const { files, folders } = await listFolder(root);
  const one = (subset: Subset): FolderSubsets => ({ ...NONE, subsets: [subset] });
  if (files.includes("metadata.jsonl")) return one({ image_dir: root, metadata_file: join(root, "metadata.jsonl") });
  const numbered = await numberedIn(root, false);
  const inImg = folders.includes("img") ? await numberedIn(join(root, "img"), false) : NONE;
  const inReg = folders.includes("reg") ? await numberedIn(join(root, "reg"), true) : NONE;
  const hasImages = files.some(isImageName);
  if (hasImages && numbered.subsets.length === 0 && inImg.subsets.length === 0) return one({ image_dir: root });
  const all = together([numbered, inImg, inReg]);
  const found = all.subsets;
  if (hasImages && found.length > 0) {
    const hint = "Move those images into a folder such as 1_name, or describe the set in a TOML file.";
    throw new IllustriousError("bad_file", `${root} holds images beside folders such as ${found[0]!.image_dir}`, hint);
  }
  if (found.length > 0) return all;
  const hint = "Name a folder with images in it, or one of folders called <repeats>_<class tokens>.";
  const [passedOver] = all.passedOver;
  const only =
    passedOver === undefined ? "" : `, but for folders without repeats in their names, such as ${passedOver}`;
  throw new IllustriousError("bad_file", `${root} holds no images${only}`, hint);
}

async function numberedIn(folder: string, isReg: boolean): Promise<FolderSubsets> {
  const { folders } = await listFolder(folder);
  const subsets: Subset[] = [];
  const passedOver: string[] = [];
  for (const name of folders) {
    const path = join(folder, name);
    const [, repeats, tokens] = /^(\d{1,6})_(.*)$/.exec(name) ?? [];
    if (Number(repeats) > 0) {
      const subset: Subset = { image_dir: path, num_repeats: Number(repeats), is_reg: isReg };
      subsets.push(tokens ? { ...subset, class_tokens: tokens } : subset);
    } else if (await holdsImages(path)) passedOver.push(path);
  }
  return { subsets, passedOver };
}

/** A folder that may not be read, such as a disk's lost+found, is nobody's images. */
const holdsImages = (folder: string): Promise<boolean> =>
  listFolder(folder).then(
    ({ files }) => files.some(isImageName),
    () => false,
  );

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
