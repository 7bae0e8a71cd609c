/**
 * @file Image files to pixels, through sharp. What a file is counts by its content, not its name, and only pictures made of pixels
 * are read: nothing here needs `sharp.block`, which would hold for the whole process and for the drawn scenes too.
 */

import type { FileHandle } from "node:fs/promises";
import sharp from "sharp";
import { IllustriousError } from "../../base/error.ts";
import { PICTURE_KIND_BYTES, pictureFormat } from "../../formats/picture-kind.ts";
import { samplesNotRead, samplesRefused } from "../../formats/picture-samples.ts";
import { readAt, withRegularFile } from "../../formats/regular-file.ts";
import type { Size } from "./buckets.ts";

export type ImageHeader = Size & { readonly hasAlpha: boolean };

export type DecodedImage = Size & {
  /** 8-bit sRGB, row by row from the top. */
  readonly rgb: Uint8Array;
  /** Pixels that let the white behind them through. */
  readonly transparent: number;
};

/** What to make of a file. */
export type Cut = {
  /** The whole picture's size before the cut. */
  readonly resized: Size;
  readonly left: number;
  readonly top: number;
  readonly size: Size;
  /** Left and right exchanged, after the cut. */
  readonly flipped: boolean;
  readonly kernel?: Kernel | undefined;
};

export type Kernel = "lanczos3" | "cubic" | "linear" | "nearest";

/** Endings of the files that a folder of pictures is searched for, in lower case. */
export const IMAGE_ENDINGS: readonly string[] = [
  ".png",
  ".apng",
  ".jpg",
  ".jpeg",
  ".jpe",
  ".jif",
  ".jfif",
  ".webp",
  ".avif",
  ".gif",
  ".tif",
  ".tiff",
  ".bmp",
  ".jxl",
];

const MAX_BYTES = 512 * 2 ** 20;

/** Warnings count as errors: a truncated picture would be trained on half grey. Of animations, the first frame. */
const READ = { failOn: "warning", limitInputPixels: 2 ** 28, pages: 1 } as const;

/**
 * Sides as the picture is seen, which is after the turn that its EXIF orientation asks for. Reads no pixels.
 *
 * @throws IllustriousError `missing_file`; `bad_file`
 */
export async function readImageHeader(path: string): Promise<ImageHeader> {
  await withRegularFile(path, (handle, size) => checkKind(handle, size, path));
  const header = await sharp(path, READ)
    .metadata()
    .catch((cause: unknown) => refuse(path, cause));
  const samples = samplesNotRead(header);
  if (samples !== undefined) refuse(path, new Error(samples));
  const { autoOrient, hasAlpha } = header;
  return { width: autoOrient.width, height: autoOrient.height, hasAlpha };
}

/**
 * Decodes, turns upright, converts to 8-bit sRGB by the embedded profile, resizes, cuts and lays over white.
 *
 * @throws IllustriousError `missing_file`; `bad_file`, naming the file
 */
export async function decodeImage(path: string, cut: Cut): Promise<DecodedImage> {
  const bytes = await withRegularFile(path, async (handle, size) => {
    await checkKind(handle, size, path);
    return readAt(handle, 0, size, path);
  });
  const { data, info } = await sharp(bytes, READ)
    .autoOrient()
    .toColourspace("srgb")
    .ensureAlpha()
    .resize({
      ...cut.resized,
      fit: "fill",
      kernel: cut.kernel ?? "lanczos3",
      // Shrinking inside the JPEG decoder would give a JPEG other pixels than the same picture as PNG.
      fastShrinkOnLoad: false,
    })
    .extract({ left: cut.left, top: cut.top, ...cut.size })
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => refuse(path, cause));
  if (info.channels !== 4) refuse(path, new Error(`${info.channels} channels`));
  return { ...cut.size, ...overWhite(data, cut) };
}

const THUMBNAIL: Cut = {
  resized: { width: 8, height: 8 },
  left: 0,
  top: 0,
  size: { width: 8, height: 8 },
  flipped: false,
};

/** Decodes all of a picture, only to see whether it can be: a view of a part may not meet what is damaged. Throws as `decodeImage`. */
export async function decodeThrough(path: string): Promise<void> {
  await decodeImage(path, THUMBNAIL);
}

async function checkKind(handle: FileHandle, size: number, path: string): Promise<void> {
  if (size > MAX_BYTES) refuse(path, new Error(`${size} bytes, more than ${MAX_BYTES}`));
  const start = await readAt(handle, 0, Math.min(size, PICTURE_KIND_BYTES), path);
  if (pictureFormat(start) === undefined)
    refuse(path, new Error(size === 0 ? "an empty file" : "not a picture that is read here"));
}

function refuse(path: string, cause: unknown): never {
  const words = cause instanceof Error ? cause.message.split("\n")[0]! : String(cause);
  const reason = samplesRefused(words) ?? words;
  const hint = "Leave the file out, or save it again as PNG, JPEG, WebP, AVIF, GIF or TIFF.";
  throw new IllustriousError("bad_file", `${path}: ${reason}`, hint, { cause });
}

function overWhite(rgba: Uint8Array, { size, flipped }: Cut): { rgb: Uint8Array; transparent: number } {
  const rgb = new Uint8Array(3 * size.width * size.height);
  let transparent = 0;
  for (let from = 0, y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++, from += 4) {
      const alpha = rgba[from + 3]!;
      if (alpha < 255) transparent++;
      const to = 3 * (y * size.width + (flipped ? size.width - 1 - x : x));
      const white = 255 * (255 - alpha);
      for (let c = 0; c < 3; c++) rgb[to + c] = Math.round((rgba[from + c]! * alpha + white) / 255);
    }
  }
  return { rgb, transparent };
}
