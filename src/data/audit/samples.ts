/** @file The images of a set with their captions, one by one; what is inside archives, too. */

import { stat } from "node:fs/promises";
import { IllustriousError } from "../../base/error.ts";
import { captionOfEntry, captionTexts } from "../sets/metadata.ts";
import { readText } from "../sets/text-file.ts";
import { archiveGroups, keptCaption, MAX_CAPTION, type MemberCaption } from "./archive-groups.ts";
import { JOINED, type Place } from "./places.ts";
import { type Fault, type ImageOrigin, MAX_IMAGE } from "./row.ts";

export type Sample = {
  readonly origin: ImageOrigin;
  /** Where it lies in an archive. */
  readonly range?: { readonly offset: number; readonly length: number };
  /** Its bytes, out of an archive that is compressed. */
  readonly content?: Uint8Array;
  /** Why there is nothing to open. */
  readonly fault?: Fault;
  /** Bytes of the whole set, of archives all of them, up to the end of this image. */
  readonly reached: number;
};

export async function* samplesIn(places: AsyncIterable<Place>): AsyncGenerator<Sample, void> {
  let reached = 0;
  for await (const place of places) {
    if (place.type === "other archive" || place.type === "metadata") continue;
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

async function* archiveSamples(path: string, mtimeMs: number | null, before: number): AsyncGenerator<Sample, void> {
  try {
    for await (const { images, captions } of archiveGroups(path)) {
      const caption = captionIn(captions);
      for (const { file, bytes } of images) {
        const { name: member, number: memberNumber, size, offset } = file;
        const origin = { source: path, member, memberNumber, bytes: size, mtimeMs, repeats: 1, ...caption };
        const reached = before + file.reached();
        if (offset !== undefined) yield { origin, range: { offset, length: size }, reached };
        else if (bytes) yield { origin, content: bytes, reached };
        else
          yield { origin, fault: { error: "too_large", errorText: `${size} bytes, more than ${MAX_IMAGE}` }, reached };
      }
    }
  } catch (error) {
    if (!(error instanceof IllustriousError)) throw error;
    const origin = { ...NOWHERE, source: path, ...told(null), repeats: 1 };
    yield {
      origin,
      fault: { error: "bad_source", errorText: error.message.replace(`${path}: `, "") },
      reached: before,
    };
  }
}

function captionIn(captions: ReadonlyMap<string, MemberCaption>): Caption {
  const kept = keptCaption(captions);
  if (!kept) return told(null);
  if (kept.text === undefined) return refused(kept.why);
  if (kept.ending !== "json") return told(kept.text);
  try {
    return told(captionOfEntry(captionTexts(kept.text, kept.file.name), JOINED) ?? null);
  } catch (error) {
    if (!(error instanceof IllustriousError)) throw error;
    return refused(error.message);
  }
}
