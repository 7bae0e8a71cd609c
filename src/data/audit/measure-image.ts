/** @file An image's bytes to what an audit keeps of it, told piece by piece: what is known of a file that ends the process is kept. */

import { createHash } from "node:crypto";
import type { Metadata } from "sharp";
import { IllustriousError } from "../../base/error.ts";
import { isColourful, measureColours, type Pixels, placed } from "../../colour/index.ts";
import { type PictureFormat, pictureFormat } from "../../formats/picture-kind.ts";
import { samplesNotRead, samplesRefused } from "../../formats/picture-samples.ts";
import { pngFrames } from "../../formats/png/index.ts";
import { readAt, withRegularFile } from "../../formats/regular-file.ts";
import { decodePicture, MAX_PIXELS, readHeader } from "./decode.ts";
import { dHash } from "./dhash.ts";
import { type Fault, type ImageFacts, MAX_IMAGE } from "./row.ts";

/** Where an image is found. */
export type ImagePlace = {
  readonly path: string;
  /** Of the bytes that are the image, where they are not the whole file. */
  readonly range?: { readonly offset: number; readonly length: number } | undefined;
  /** The image itself, where it lies in no file as it is. */
  readonly content?: Uint8Array | undefined;
  /** When the file was last changed, where that was looked at before: milliseconds since 1970. Of another file there is nothing to say. */
  readonly mtimeMs?: number | null | undefined;
};

export type MeasureRequest = ImagePlace & {
  /** `measureColours`'s, in pixels. */
  readonly workingSide: number;
};

export type MeasureEvent =
  /** The file is about to be opened: from here on its time counts. */
  { readonly type: "begun" } | { readonly type: "facts"; readonly facts: Partial<ImageFacts> };

/** A file's fault is the last of the facts, not an error. */
export async function* measureImage(request: MeasureRequest): AsyncGenerator<MeasureEvent, void> {
  yield { type: "begun" };
  for await (const facts of factsAbout(request)) yield { type: "facts", facts };
}

async function* factsAbout(request: MeasureRequest): AsyncGenerator<Partial<ImageFacts>, void> {
  const { workingSide } = request;
  const content = await contentOf(request);
  if ("error" in content) return yield content;
  const { bytes } = content;
  yield { sha256: createHash("sha256").update(bytes).digest("hex") };

  const format = pictureFormat(bytes);
  if (format === undefined) return yield fault("not_a_picture", whatElse(bytes));
  const header = await readHeader(bytes).catch(headerRefused);
  if ("error" in header) return yield { format, ...header };
  yield headerFacts(format, header, bytes);
  const samples = samplesNotRead(header);
  if (samples !== undefined) return yield fault("not_a_picture", samples);
  const pixels = header.width * header.height;
  if (pixels > MAX_PIXELS) {
    return yield fault("too_large", `${header.width} x ${header.height} pixels, more than ${MAX_PIXELS}`);
  }

  const picture = await decodePicture(bytes).catch(broken);
  if ("error" in picture) return yield picture;
  const inKernels = placed(picture);
  const { workingSide: _, ...measures } = measureColours(inKernels, workingSide);
  yield {
    ...measures,
    colourful: isColourful({ ...measures, workingSide }),
    transparentShare: picture.transparentShare,
    greyscale: isGrey(picture),
    dhash: dHash(inKernels),
  };
}

/** Milliseconds by which two machines may read one file's time apart: some shared folders keep whole seconds, FAT every other one. */
const SAME_TIME = 2000;

/** The bytes, or why there are none. */
export async function contentOf(place: ImagePlace): Promise<{ bytes: Uint8Array } | Fault> {
  const { path, range, content, mtimeMs } = place;
  if (content) return { bytes: content };
  const read = withRegularFile(path, async (handle, size, now): Promise<{ bytes: Uint8Array } | Fault> => {
    if (typeof mtimeMs === "number" && Math.abs(now - mtimeMs) > SAME_TIME) {
      return fault("changed", "changed since it was found; audit again");
    }
    const { offset, length } = range ?? { offset: 0, length: size };
    if (length > MAX_IMAGE) return fault("too_large", `${length} bytes, more than ${MAX_IMAGE}`);
    return { bytes: await readAt(handle, offset, length, path) };
  });
  return read.catch((error: unknown) => {
    const missing = error instanceof IllustriousError && error.code === "missing_file";
    // What a folder's listing has in place of bytes that are no text, and by which nothing can be opened.
    if (missing && path.includes("\ufffd")) return fault("unreadable", "its name is not UTF-8; rename it");
    return fault(missing ? "missing" : "unreadable", reason(error).replace(`${path}: `, ""));
  });
}

function headerFacts(format: PictureFormat, header: Metadata, bytes: Uint8Array): Partial<ImageFacts> {
  return {
    format,
    width: header.autoOrient.width,
    height: header.autoOrient.height,
    orientation: header.orientation ?? null,
    channels: header.channels,
    // Of PNG the decoder tells none.
    frames: format === "png" ? pngFrames(bytes) : (header.pages ?? 1),
    hasProfile: header.hasProfile,
    hasAlpha: header.hasAlpha,
  };
}

/** What is known besides of files that are no pictures, since "not a picture" would send people searching. */
function whatElse(bytes: Uint8Array): string {
  if (bytes.length === 0) return "an empty file";
  const text = Buffer.from(bytes.subarray(0, 256)).toString("latin1");
  if (text.startsWith("version https://git-lfs.github.com/spec/")) return "Git LFS's pointer to a file, not the file";
  if (/^\s*<(?:!doctype|html)/i.test(text)) return "a web page";
  if (/^\s*<(?:\?xml|svg)/i.test(text)) return "an SVG drawing, which has no pixels";
  if (text.startsWith("BM")) return "a BMP, which is not read; save it as PNG";
  if (text.startsWith("\xff\x0a") || text.startsWith("JXL ", 4)) return "JPEG XL, which is not read; save it as PNG";
  return "none of PNG, JPEG, WebP, AVIF, GIF and TIFF";
}

/** One pixel of so many is looked at first: a picture's edge is often grey where the picture is not. */
const GREY_STEP = 101;

function isGrey({ rgb }: Pixels): boolean {
  for (const step of [3 * GREY_STEP, 3]) {
    for (let i = 0; i < rgb.length; i += step) if (rgb[i] !== rgb[i + 1] || rgb[i] !== rgb[i + 2]) return false;
  }
  return true;
}

const fault = (error: Fault["error"], errorText: string): Fault => ({ error, errorText });

export const broken = (cause: unknown): Fault => fault("broken", reason(cause));

function headerRefused(cause: unknown): Fault {
  const samples = samplesRefused(reason(cause));
  return samples === undefined ? broken(cause) : fault("not_a_picture", samples);
}

function reason(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split("\n")[0]!.slice(0, 300);
}
