/** @file The images of a set with their captions, one by one; what is inside archives, too. */

import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { type TarFile, tarFiles } from "../../formats/tar.ts";
import { isImageName } from "../sets/folder-config.ts";
import { readText } from "../sets/text-file.ts";
import type { Place } from "./places.ts";
import type { Fault, ImageOrigin } from "./row.ts";

export type Sample = {
  readonly origin: ImageOrigin;
  /** Where it lies in an archive. */
  readonly range?: { readonly offset: number; readonly length: number };
  /** Why there is nothing to open. */
  readonly fault?: Fault;
  /** Bytes of the whole set, of archives all of them, up to the end of this image. */
  readonly reached: number;
};

const MAX_CAPTION = 2 ** 20;

export async function* samplesIn(places: AsyncIterable<Place>): AsyncGenerator<Sample, void> {
  let reached = 0;
  for await (const place of places) {
    const file = await stat(place.path).catch(() => undefined);
    const before = reached;
    if (place.type !== "bad") reached += file?.size ?? 0;
    const known = { bytes: file?.size ?? null, mtimeMs: file?.mtimeMs ?? null };
    if (place.type === "archive") yield* archiveSamples(place.path, known.mtimeMs, before);
    else if (place.type === "image") yield await imageSample(place, known, reached);
    else {
      const origin = { ...NOWHERE, source: place.path, ...told(null), repeats: 1 };
      yield { origin, fault: { error: "bad_source", errorText: place.why }, reached };
    }
  }
}

const NOWHERE = { member: null, memberNumber: null, bytes: null, mtimeMs: null } as const;

async function imageSample(
  place: Extract<Place, { type: "image" }>,
  known: Pick<ImageOrigin, "bytes" | "mtimeMs">,
  reached: number,
): Promise<Sample> {
  const caption = await captionOf(place);
  return { origin: { ...NOWHERE, source: place.path, ...known, repeats: place.repeats, ...caption }, reached };
}

type Caption = Pick<ImageOrigin, "caption" | "captionError" | "captionFile" | "captionLine">;

async function captionOf(place: Extract<Place, { type: "image" }>): Promise<Caption> {
  if (place.metadata)
    return { ...told(place.caption ?? null), captionFile: place.metadata.path, captionLine: place.metadata.line };
  for (const path of place.captionFiles) {
    try {
      return { ...told(await readText(path, MAX_CAPTION)), captionFile: path };
    } catch (error) {
      if (!(error instanceof IllustriousError)) throw error;
      if (error.code !== "missing_file") return { ...refused(error.message), captionFile: path };
    }
  }
  return told(place.classTokens ?? null);
}

/** All lines of it, apart by "\n", without white space at its ends. */
function told(text: string | null): Caption {
  return { ...NO_CAPTION, caption: text?.replace(/\r\n?/g, "\n").trim() ?? null };
}

function refused(captionError: string): Caption {
  return { ...NO_CAPTION, captionError };
}

const NO_CAPTION: Caption = { caption: null, captionError: null, captionFile: null, captionLine: null };

/** WebDataset's rule: members with one key follow each other, and the key is the path up to the first dot of the name. */
async function* archiveSamples(path: string, mtimeMs: number | null, before: number): AsyncGenerator<Sample, void> {
  let key: string | undefined;
  let images: TarFile[] = [];
  let captions = new Map<string, Caption>();
  const flush = function* (): Generator<Sample, void> {
    const caption = captions.get("caption") ?? captions.get("txt") ?? told(null);
    for (const { name, number, size, offset } of images) {
      const origin = { source: path, member: name, memberNumber: number, bytes: size, mtimeMs, repeats: 1, ...caption };
      yield { origin, range: { offset, length: size }, reached: before + offset + size };
    }
    images = [];
    captions = new Map();
  };
  try {
    for await (const file of tarFiles(path)) {
      const name = basename(file.name);
      // What hides in an archive is a system's own, such as macOS's `._` files.
      if (name.startsWith(".")) continue;
      const [stem = "", ...endings] = name.split(".");
      const own = file.name.slice(0, -name.length) + stem;
      if (own !== key || images.length >= MOST_TOGETHER) yield* flush();
      key = own;
      const ending = endings.join(".").toLowerCase();
      if (isImageName(name)) images.push(file);
      else if (ending === "txt" || ending === "caption") captions.set(ending, await memberCaption(file));
    }
  } catch (error) {
    if (!(error instanceof IllustriousError)) throw error;
    yield* flush();
    const origin = { ...NOWHERE, source: path, ...told(null), repeats: 1 };
    const errorText = error.message.replace(`${path}: `, "");
    return yield { origin, fault: { error: "bad_source", errorText }, reached: before };
  }
  yield* flush();
}

/** Images of one key that wait for a caption behind them; of more, the first do without it. */
const MOST_TOGETHER = 256;

async function memberCaption(file: TarFile): Promise<Caption> {
  const bytes = await file.read(MAX_CAPTION);
  if (bytes === undefined) return refused(`${file.name}: more than ${MAX_CAPTION} bytes of text`);
  try {
    return told(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return refused(`${file.name}: not UTF-8`);
  }
}
