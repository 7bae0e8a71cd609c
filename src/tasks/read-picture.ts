/** @file A picture file's size and texts, read without decoding its pixels. */

import { readFile } from "node:fs/promises";
import { IllustriousError } from "../base/error.ts";
import { exifTexts } from "../formats/exif.ts";
import { type PictureFormat, pictureFormat } from "../formats/picture-kind.ts";
import { type PngText, readPngText } from "../formats/png/index.ts";
import { withRegularFile } from "../formats/regular-file.ts";

export type PictureFile = {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** In the file's order; a key may come more than once. */
  readonly texts: readonly PngText[];
};

/** Larger than any picture that is made today. */
const MAX_BYTES = 512 * 2 ** 20;

/** @throws IllustriousError `missing_file`, `bad_file`, naming the path */
export async function readPictureFile(path: string): Promise<PictureFile> {
  const bytes = await withRegularFile(path, async (handle, size) => {
    if (size <= MAX_BYTES) return readFile(handle);
    throw new IllustriousError(
      "bad_file",
      `${path}: ${size} bytes are too many for a picture`,
      "Name the file itself.",
    );
  });
  try {
    return await readPicture(bytes);
  } catch (error) {
    if (!(error instanceof IllustriousError)) throw error;
    throw new IllustriousError(error.code, `${path}: ${error.message}`, error.hint, { cause: error });
  }
}

/** @throws IllustriousError `bad_file` */
export async function readPicture(bytes: Uint8Array): Promise<PictureFile> {
  const format = pictureFormat(bytes);
  if (format !== undefined && format !== "png") return readOther(bytes, format);
  const texts = readPngText(bytes);
  // The header is the first chunk, or reading the texts would have failed.
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { width: view.getUint32(16), height: view.getUint32(20), texts };
}

/** Only headers are read; their texts stand in EXIF. */
async function readOther(bytes: Uint8Array, format: PictureFormat): Promise<PictureFile> {
  const { default: sharp } = await import("sharp");
  const { width, height, exif } = await sharp(bytes)
    .metadata()
    .catch((cause: unknown) => {
      const hint = "Take the picture from its source again.";
      throw new IllustriousError("bad_file", `not a whole ${format.toUpperCase()} file`, hint, { cause });
    });
  return { width, height, texts: exif ? exifTexts(exif) : [] };
}
