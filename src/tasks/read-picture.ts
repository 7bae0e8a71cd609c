/** @file A PNG file's size and texts, read without decoding its pixels. */

import { readFile } from "node:fs/promises";
import { IllustriousError } from "../base/error.ts";
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
  const png = await withRegularFile(path, async (handle, size) => {
    if (size <= MAX_BYTES) return readFile(handle);
    throw new IllustriousError("bad_file", `${path}: ${size} bytes are too many for a picture`, "Name the PNG itself.");
  });
  try {
    const texts = readPngText(png);
    // The header is the first chunk, or reading the texts would have failed.
    return { width: png.readUInt32BE(16), height: png.readUInt32BE(20), texts };
  } catch (error) {
    if (!(error instanceof IllustriousError)) throw error;
    throw new IllustriousError(error.code, `${path}: ${error.message}`, error.hint, { cause: error });
  }
}
