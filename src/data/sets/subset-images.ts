/** @file The images of one subset with their captions: from a folder with caption files beside them, or from a metadata file. */

import { extname, join, resolve } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { isImageName, listFolder } from "./folder-config.ts";
import { metadataImages } from "./metadata.ts";
import type { SubsetOptions } from "./options.ts";
import { readText } from "./text-file.ts";

export type FoundImage = {
  readonly path: string;
  /** As it is kept, lines apart by "\n"; `undefined` for none. */
  readonly caption: string | undefined;
  /** Where the caption still has to be read from. */
  readonly captionFile?: string | undefined;
};

const MAX_CAPTION = 2 ** 20;

/**
 * In a fixed order: a folder's by name, a metadata file's as written. Captions beside images are named, not read yet.
 *
 * @throws IllustriousError `missing_file`; `bad_file`
 */
export async function imagesOf(subset: SubsetOptions, root: string): Promise<FoundImage[]> {
  const folder = subset.imageDir === undefined ? undefined : resolve(root, subset.imageDir);
  if (subset.metadataFile !== undefined) return metadataImages(resolve(root, subset.metadataFile), folder, subset);
  return folderImages(folder!, subset);
}

async function folderImages(folder: string, subset: SubsetOptions): Promise<FoundImage[]> {
  const { files, folders } = await listFolder(folder);
  const names = new Set(files);
  const endings = subset.captionExtension === undefined ? [".caption", ".txt"] : [subset.captionExtension];
  const found = files.filter(isImageName).map((name): FoundImage => {
    const stem = name.slice(0, -extname(name).length);
    const beside = endings.map((ending) => stem + ending).find((candidate) => names.has(candidate));
    return { path: join(folder, name), caption: undefined, captionFile: beside && join(folder, beside) };
  });
  if (!subset.recursive) return found;
  const below: FoundImage[] = [];
  for (const name of folders) for (const image of await folderImages(join(folder, name), subset)) below.push(image);
  return found.concat(below);
}

export type ReadCaption = {
  /** `undefined` for none at all. With wildcards all lines that are not blank; a file's first one without. */
  readonly text: string | undefined;
  /** Those that are not blank, used or not. */
  readonly lines: number;
};

/**
 * The caption of an image.
 *
 * @throws IllustriousError `bad_file` for a caption that is not UTF-8 or larger than 1 MiB
 */
export async function captionOf(image: FoundImage, { enableWildcard }: SubsetOptions): Promise<ReadCaption> {
  if (image.captionFile === undefined) return { text: image.caption, lines: linesOf(image.caption ?? "").length };
  const lines = linesOf(await readText(image.captionFile, MAX_CAPTION));
  return { text: enableWildcard ? lines.join("\n") : (lines[0] ?? ""), lines: lines.length };
}

function linesOf(text: string): string[] {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** What a finding says of an error: the message of ours, which names the file. */
export function reasonOf(error: unknown): string {
  if (error instanceof IllustriousError) return error.message;
  throw error;
}
