/**
 * @file Where the images of a set lie: folders and what is below them, kohya's folders, `metadata.jsonl`, lists, archives. In a fixed
 * order, the same on every machine, and one by one: no more is held than the names of one folder.
 */

import { stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { isImageName, listFolder } from "../sets/folder-config.ts";
import { captionOfEntry, entryOfLine, metadataImages } from "../sets/metadata.ts";
import { numberedLines } from "../sets/text-file.ts";

export type Place =
  | {
      readonly type: "image";
      readonly path: string;
      /** As a metadata file has it; otherwise the first of `captionFiles` that is there, otherwise `classTokens`. */
      readonly caption?: string | undefined;
      /** The metadata file that names it, and the number of its line, from 1; kohya's JSON has none. */
      readonly metadata?: { readonly path: string; readonly line: number | null };
      readonly captionFiles: readonly string[];
      readonly classTokens?: string | undefined;
      /** 0 in a folder that trainers leave out, such as `0_girl`. */
      readonly repeats: number;
    }
  | { readonly type: "archive"; readonly path: string }
  /** An archive in a folder that nothing here reads. */
  | { readonly type: "other archive"; readonly path: string }
  /** The `metadata.jsonl` of a folder, before the images that it names: others there are not in the set. */
  | { readonly type: "metadata"; readonly path: string }
  /** What should name images and cannot be understood. */
  | { readonly type: "bad"; readonly path: string; readonly why: string };

/** Endings of files beside an image that hold its caption, in the order in which they are looked for. */
export const CAPTION_ENDINGS = [".caption", ".txt"] as const;

/** What kohya's folder names say of the images in them. */
type Class = { readonly repeats: number; readonly classTokens?: string | undefined };

const ONCE: Class = { repeats: 1 };

/** Tags behind the caption, in one text. */
export const JOINED = { enableWildcard: false, captionSeparator: "," } as const;

type Kind = "folder" | "image" | "metadata" | "kohya metadata" | "list" | "archive";

/**
 * @throws IllustriousError `missing_file` for a path with nothing there; `bad_option` for one that names no images; both before
 * anything is looked through
 */
export async function checkPaths(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const found = await stat(path).catch((cause: unknown) => {
      throw new IllustriousError("missing_file", `${path}: no such file or folder`, "Check the path.", { cause });
    });
    if (kindOf(path, found.isDirectory())) continue;
    const hint =
      "Name a folder, an image, a metadata .jsonl or .json, a .tar or .tar.gz archive, or a .txt file that lists such paths.";
    throw new IllustriousError("bad_option", `${path}: names no images`, isOtherArchive(path) ? REPACK : hint);
  }
}

/** Of paths that `checkPaths` has let through. What turns out to be unreadable further in is a `bad` place. */
export async function* placesIn(paths: readonly string[]): AsyncGenerator<Place, void> {
  for (const path of paths) yield* placesAt(resolve(path), false);
}

function kindOf(path: string, isFolder: boolean): Kind | undefined {
  if (isFolder) return "folder";
  if (isImageName(path)) return "image";
  if (isArchiveName(path)) return "archive";
  const kinds: Readonly<Record<string, Kind>> = { ".jsonl": "metadata", ".json": "kohya metadata", ".txt": "list" };
  return kinds[extname(path).toLowerCase()];
}

export const isArchiveName = (path: string): boolean => /\.(tar|tar\.gz|tgz)$/i.test(path);

const isOtherArchive = (path: string): boolean =>
  /\.(tar\.(bz2?|xz|zstd?|lz4?|lzo|lzma|z|br)|tbz2?|txz|tzst|tlz|zip|rar|7z)$/i.test(path);

/** What to do about archives that are not read. */
export const REPACK = "Unpack it into a folder, or pack it as .tar or .tar.gz: those are read as they are.";

/** @param listed whether a list names it, which may not name another list: two could name each other */
async function* placesAt(path: string, listed: boolean): AsyncGenerator<Place, void> {
  // What a list names is gone by as it is called: a look at each of millions costs more than its name.
  const kind = (listed ? kindOf(path, false) : undefined) ?? (await kindOnDisk(path));
  switch (kind) {
    case "image":
      return yield imageAt(path, CAPTION_ENDINGS, ONCE);
    case "archive":
      return yield { type: "archive", path };
    case "metadata":
      return yield* orBad(path, metadataPlaces(path));
    case "kohya metadata":
      return yield* orBad(path, kohyaPlaces(path));
    case "folder":
      return yield* orBad(path, setPlaces(path));
    case "list":
      if (!listed) return yield* orBad(path, listPlaces(path));
  }
  yield {
    type: "bad",
    path,
    why: listed ? "a list may name folders, images, metadata files and .tar archives" : "no images",
  };
}

async function kindOnDisk(path: string): Promise<Kind | undefined> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return kindOf(path, isFolder);
}

async function* orBad(path: string, places: AsyncGenerator<Place, void>): AsyncGenerator<Place, void> {
  try {
    yield* places;
  } catch (error) {
    if (!(error instanceof IllustriousError)) throw error;
    yield { type: "bad", path, why: error.message.replace(`${path}: `, "") };
  }
}

/** Bytes of a path: more than any system has. */
const MAX_PATH = 2 ** 16;

/** A folder that was named: it, and those in it, in its `img/` and in its `reg/`, count as kohya's by their names. */
async function* setPlaces(folder: string): AsyncGenerator<Place, void> {
  yield* folderPlaces(folder, classOf(basename(folder)).own ?? ONCE, (name) => {
    if (name === "img" || name === "reg") return { within: classOf };
    return classOf(name);
  });
}

type Found = { readonly own?: Class; readonly within?: (name: string) => Found };

function classOf(name: string): Found {
  const [, repeats, classTokens] = /^(\d{1,6})_(.*)$/.exec(name) ?? [];
  if (repeats === undefined) return {};
  return { own: { repeats: Number(repeats), classTokens: classTokens || undefined } };
}

/** @param look what a folder in it is, by its name */
async function* folderPlaces(folder: string, own: Class, look?: (name: string) => Found): AsyncGenerator<Place, void> {
  const { files, folders } = await listFolder(folder);
  if (files.includes("metadata.jsonl")) {
    const path = join(folder, "metadata.jsonl");
    yield { type: "metadata", path };
    return yield* metadataPlaces(path);
  }
  const names = new Set(files);
  for (const name of files) {
    const path = join(folder, name);
    if (isImageName(name)) {
      const stem = name.slice(0, -extname(name).length);
      const endings = CAPTION_ENDINGS.filter((ending) => names.has(stem + ending));
      yield imageAt(path, endings, own);
    } else if (isArchiveName(name)) yield { type: "archive", path };
    else if (isOtherArchive(name)) yield { type: "other archive", path };
  }
  for (const name of folders) {
    const { own: below = own, within } = look?.(name) ?? {};
    const path = join(folder, name);
    yield* orBad(path, folderPlaces(path, below, within));
  }
}

function imageAt(path: string, endings: readonly string[], { repeats, classTokens }: Class): Place {
  const stem = join(dirname(path), basename(path, extname(path)));
  return { type: "image", path, captionFiles: endings.map((ending) => stem + ending), classTokens, repeats };
}

/** The images that it names, in its order; others in its folder do not belong to the set. */
async function* metadataPlaces(path: string): AsyncGenerator<Place, void> {
  for await (const { number, text } of numberedLines(path)) {
    try {
      const entry = entryOfLine(text.trim(), `line ${number}`);
      const caption = captionOfEntry(entry, JOINED);
      const image = { path: resolve(dirname(path), entry.path), caption, metadata: { path, line: number } };
      yield { type: "image", ...image, captionFiles: [], repeats: 1 };
    } catch (error) {
      if (!(error instanceof IllustriousError)) throw error;
      yield { type: "bad", path, why: error.message };
    }
  }
}

/** kohya's `meta.json`, `{"<path>": {"caption", "tags"}}`, which is read as a whole. */
async function* kohyaPlaces(path: string): AsyncGenerator<Place, void> {
  for (const { path: image, caption } of await metadataImages(path, undefined, JOINED)) {
    yield { type: "image", path: image, caption, metadata: { path, line: null }, captionFiles: [], repeats: 1 };
  }
}

/** Relative paths count from the list's own folder. */
async function* listPlaces(path: string): AsyncGenerator<Place, void> {
  for await (const { text } of numberedLines(path, MAX_PATH))
    yield* placesAt(resolve(dirname(path), text.trim()), true);
}
