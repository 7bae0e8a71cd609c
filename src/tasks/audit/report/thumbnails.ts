/** @file Small pictures of the images at the ends, drawn by the audit's decoding processes: files are as hostile now as they were then. */

import { IllustriousError } from "../../../base/error.ts";
import type { ExtremeImage } from "../../../data/audit/extremes.ts";
import type { AuditReport } from "../../../data/audit/report.ts";
import { MAX_IMAGE } from "../../../data/audit/row.ts";
import type { ThumbnailRequest } from "../../../data/audit/thumbnail.ts";
import { tarFiles } from "../../../formats/tar.ts";
import { type DecoderOptions, openDecoders } from "../decoders.ts";

/** A `data:` address, or why there is none. */
export type Thumbnail = { readonly address: string } | { readonly why: string };

/** Longest side, in pixels: twice what is seen, for screens with fine pixels. */
const SIDE = 240;

/** What a picture of that size cannot have, in letters of base64. */
const MOST_LETTERS = 200_000;

/** @returns pictures by `id`; yields how many are done */
export async function* drawThumbnails(
  { extremes }: Pick<AuditReport, "extremes">,
  options: DecoderOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ readonly done: number; readonly total: number }, ReadonlyMap<number, Thumbnail>> {
  const wanted = new Map<number, ExtremeImage>();
  for (const { lowest, highest } of Object.values(extremes)) {
    for (const image of [...lowest, ...highest]) wanted.set(image.id, image);
  }
  const thumbnails = new Map<number, Thumbnail>();
  const decoders = openDecoders(options);
  const total = wanted.size;
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const { image, ...place } of inArchives([...wanted.values()])) {
      if (signal?.aborted) throw new IllustriousError("cancelled", "stopped before the page was written");
      const one = draw(image, place)
        .then((thumbnail) => void thumbnails.set(image.id, thumbnail))
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => running.delete(one));
      running.add(one);
      while (running.size > options.workers) await Promise.race(running);
      if (failure) throw failure.error;
      yield { done: thumbnails.size, total };
    }
    await Promise.all(running);
    if (failure) throw failure.error;
    yield { done: total, total };
  } finally {
    await decoders.close();
  }
  return thumbnails;

  async function draw(image: ExtremeImage, { range, content }: Place): Promise<Thumbnail> {
    if (image.member !== null && !range && !content) return { why: "no longer in its archive" };
    const { source: path, sha256 } = image;
    const { webp, error, errorText } = await decoders.thumbnail({ path, range, content, sha256, side: SIDE });
    // What a decoder says that a file has taken over is not trusted either.
    if (webp !== null && webp.length <= MOST_LETTERS && /^[A-Za-z0-9+/]+=*$/.test(webp)) {
      return { address: `data:image/webp;base64,${webp}` };
    }
    return { why: `${error ?? "broken"}: ${errorText ?? "no picture"}` };
  }
}

/** In an archive: where its bytes lie, or the bytes themselves, where it is compressed. */
type Place = Pick<ThumbnailRequest, "range" | "content">;

type Located = Place & { readonly image: ExtremeImage };

/** Files as they are, and members of archives with their places in them; each archive is gone through once. */
async function* inArchives(images: readonly ExtremeImage[]): AsyncGenerator<Located, void> {
  const archives = new Map<string, ExtremeImage[]>();
  for (const image of images) {
    if (image.member === null) yield { image };
    else archives.set(image.source, [...(archives.get(image.source) ?? []), image]);
  }
  for (const [path, members] of archives) {
    const left = new Map(members.map((image) => [image.memberNumber, image]));
    try {
      for await (const { number, offset, size, read } of tarFiles(path)) {
        const image = left.get(number);
        if (image && left.delete(number)) {
          yield {
            image,
            ...(offset === undefined ? { content: await read(MAX_IMAGE) } : { range: { offset, length: size } }),
          };
        }
        if (left.size === 0) break;
      }
    } catch (error) {
      // Gone or damaged since: its images are told so one by one.
      if (!(error instanceof IllustriousError) || error.code === "engine_failed") throw error;
    }
    for (const image of left.values()) yield { image };
  }
}
