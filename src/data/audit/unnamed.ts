/**
 * @file What a folder's `metadata.jsonl` leaves out: images and archives in and below the folder that it does not name. By names alone, no
 * file is opened; of what it names eight bytes each are held.
 */

import { dirname, join, resolve } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { isImageName, listFolder } from "../sets/folder-config.ts";
import { entryOfLine } from "../sets/metadata.ts";
import { numberedLines } from "../sets/text-file.ts";
import { pathDigest } from "./path-digest.ts";
import { isArchiveName } from "./places.ts";

export type Unnamed = {
  readonly images: number;
  readonly archives: number;
  /** The first of them. */
  readonly first: string;
  /** Whether there are no others: not where a folder could not be listed. */
  readonly isAll: boolean;
};

/**
 * @param path of a `metadata.jsonl`
 * @param given absolute paths that are in the set by themselves, with all below them
 * @param isStopped ends the search, whatever it has found
 */
export async function unnamedBy(path: string, given: ReadonlySet<string>, isStopped: () => boolean): Promise<Unnamed> {
  const found = { images: 0, archives: 0, first: "", isAll: true };
  const named = await namedIn(path, isStopped);
  const add = (kind: "images" | "archives", file: string) => {
    found[kind]++;
    found.first ||= file;
  };
  const search = async (folder: string): Promise<void> => {
    const listed = await listFolder(folder).catch((error: unknown) => {
      if (!(error instanceof IllustriousError)) throw error;
      found.isAll = false;
      return { files: [], folders: [] };
    });
    for (const name of listed.files) {
      const file = join(folder, name);
      if (given.has(file)) continue;
      if (isArchiveName(name)) add("archives", file);
      else if (isImageName(name) && !has(named, pathDigest(file))) add("images", file);
    }
    for (const name of listed.folders) {
      if (!given.has(join(folder, name)) && !isStopped()) await search(join(folder, name));
    }
  };
  await search(dirname(path));
  return found;
}

/** Digests of the images that it names, in order. What cannot be understood is told elsewhere. */
async function namedIn(path: string, isStopped: () => boolean): Promise<Float64Array> {
  const digests: number[] = [];
  try {
    for await (const { text } of numberedLines(path)) {
      if (isStopped()) break;
      const image = imageIn(text);
      if (image !== undefined) digests.push(pathDigest(resolve(dirname(path), image)));
    }
  } catch (error) {
    if (!(error instanceof IllustriousError)) throw error;
  }
  return Float64Array.from(digests).sort();
}

function imageIn(line: string): string | undefined {
  try {
    return entryOfLine(line.trim(), "").path;
  } catch (error) {
    if (!(error instanceof IllustriousError)) throw error;
    return undefined;
  }
}

function has(sorted: Float64Array, value: number): boolean {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (sorted[middle]! < value) from = middle + 1;
    else to = middle;
  }
  return sorted[from] === value;
}
