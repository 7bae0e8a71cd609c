/**
 * @file Lists of images with their captions: kohya's metadata JSON, `{"<path>": {"caption", "tags"}}`, its JSON lines with
 * `image_path`, and Hugging Face's imagefolder lines with `file_name`. Sizes in them (`train_resolution`, `image_size`) are left
 * unread: the images themselves tell theirs.
 */

import { dirname, extname, join, resolve } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { isImageName, listFolder } from "./folder-config.ts";
import type { SubsetOptions } from "./options.ts";
import type { FoundImage } from "./subset-images.ts";
import { numberedLines, readText } from "./text-file.ts";

/** More than a million entries; longer lists come as JSON lines, which are read one by one. */
const MAX_JSON = 400 * 2 ** 20;

type Texts = { readonly caption: string | undefined; readonly tags: string | undefined };

export type Entry = Texts & { readonly path: string };

/** How caption and tags become one text. */
type Joining = Pick<SubsetOptions, "enableWildcard" | "captionSeparator">;

/**
 * The images that a metadata file names, in its order. Relative names count from `folder`, else from the file's own folder; names
 * without an ending, as kohya's older tools wrote them, mean the image of that name there.
 *
 * @throws IllustriousError `missing_file`; `bad_file`, naming file and entry
 */
export async function metadataImages(
  path: string,
  folder: string | undefined,
  options: Joining,
): Promise<FoundImage[]> {
  const entries = path.toLowerCase().endsWith(".jsonl") ? await readLines(path) : await readObject(path);
  const base = folder ?? dirname(path);
  const stems = entries.filter((entry) => !isImageName(entry.path)).map(({ path }) => resolve(base, path));
  const whole = await withEndings(stems);
  return entries.map((entry) => {
    const named = resolve(base, entry.path);
    return { path: whole.get(named) ?? named, caption: captionOfEntry(entry, options) };
  });
}

/** Tags follow the caption, with the wildcard each of its lines; as in sd-scripts, with the bare separator. */
export function captionOfEntry(
  { caption, tags }: Texts,
  { enableWildcard, captionSeparator }: Joining,
): string | undefined {
  if (tags === undefined || tags === "") return caption;
  const lines = (caption ?? "").split("\n").filter((line) => line.trim() !== "");
  if (lines.length === 0) return enableWildcard ? tags.replaceAll("\n", captionSeparator) : tags;
  if (!enableWildcard) return `${caption}${captionSeparator}${tags}`;
  return lines.map((line) => `${line}${captionSeparator}${tags.replaceAll("\n", captionSeparator)}`).join("\n");
}

async function readObject(path: string): Promise<Entry[]> {
  const root = recordOf(parseJson(await readText(path, MAX_JSON), path), path);
  return Object.entries(root).map(([name, value]) => {
    const entry = recordOf(value, `${path}: ${name}`);
    return {
      path: name,
      caption: textOf(entry, "caption", `${path}: ${name}`),
      tags: tagsOf(entry, `${path}: ${name}`),
    };
  });
}

async function readLines(path: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const { number, text } of numberedLines(path)) entries.push(entryOfLine(text, `${path}: line ${number}`));
  return entries;
}

/** Of a line of a `.jsonl` file: the first that is there is the caption. */
export const CAPTION_FIELDS = ["text", "caption", "prompt"] as const;

/**
 * One line of a `.jsonl` file.
 *
 * @param place what to call it in a message
 * @throws IllustriousError `bad_file` when it is no JSON object, names no image, or has a caption that is no text
 */
export function entryOfLine(line: string, place: string): Entry {
  const entry = recordOf(parseJson(line, place), place);
  const name = textOf(entry, "file_name", place) ?? textOf(entry, "image_path", place);
  if (!name) throw wrong(`${place} names no image`, 'Each line has a "file_name".');
  return { path: name, ...textsOf(entry, place) };
}

/**
 * What a JSON object about one image says of it, under the names that a line of a `.jsonl` file has.
 *
 * @param place what to call it in a message
 * @throws IllustriousError `bad_file` when it is no JSON object, or has a caption that is no text
 */
export function captionTexts(json: string, place: string): Texts {
  return textsOf(recordOf(parseJson(json.replace(/^\ufeff/, ""), place), place), place);
}

function textsOf(entry: Record<string, unknown>, place: string): Texts {
  const caption = CAPTION_FIELDS.map((key) => textOf(entry, key, place)).find((found) => found !== undefined);
  return { caption, tags: tagsOf(entry, place) };
}

/** The images of these names, each in its own folder, by the names. */
async function withEndings(stems: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const folder of new Set(stems.map(dirname))) {
    // A folder that is not there has none, and each of its images is told as missing.
    const { files } = await listFolder(folder).catch(() => ({ files: [] }));
    for (const name of files.filter(isImageName))
      found.set(join(folder, name.slice(0, -extname(name).length)), join(folder, name));
  }
  return found;
}

/** A list of strings, as exports of imagefolders have it, is its tags in a row. */
function tagsOf(entry: Record<string, unknown>, place: string): string | undefined {
  const tags = Object.hasOwn(entry, "tags") ? entry.tags : undefined;
  const isList = Array.isArray(tags) && tags.every((tag) => typeof tag === "string");
  return isList ? tags.map((tag) => tag.trim()).join(", ") : textOf(entry, "tags", place);
}

function textOf(entry: Record<string, unknown>, key: string, place: string): string | undefined {
  const value = Object.hasOwn(entry, key) ? entry[key] : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value.trim();
  throw wrong(`${place}: ${key} is ${JSON.stringify(value).slice(0, 80)}, not text`, "Captions and tags are strings.");
}

function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw wrong(`${place}: ${cause instanceof Error ? cause.message.slice(0, 120) : cause}`, "Correct the JSON.");
  }
}

function recordOf(value: unknown, place: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw wrong(
    `${place} is no JSON object`,
    'The form is {"<path>": {"caption": …}}, or one object a line in a .jsonl file.',
  );
}

const wrong = (message: string, hint: string) => new IllustriousError("bad_file", message, hint);
