/** @file Which of the picture formats that are read here a file has, by its first bytes and never by its name. */

export type PictureFormat = "png" | "jpeg" | "webp" | "avif" | "gif" | "tiff";

/** Bytes that are enough for `pictureFormat`; fewer do when the file has no more. */
export const PICTURE_KIND_BYTES = 16;

const MAGICS: readonly (readonly [magic: string, at: number, format: PictureFormat])[] = [
  ["\x89PNG\r\n\x1a\n", 0, "png"],
  ["\xff\xd8\xff", 0, "jpeg"],
  ["GIF8", 0, "gif"],
  ["II*\0", 0, "tiff"],
  ["MM\0*", 0, "tiff"],
  ["WEBP", 8, "webp"],
  ["ftypavif", 4, "avif"],
  ["ftypavis", 4, "avif"],
];

/** @param start the file's first `PICTURE_KIND_BYTES` bytes or more, or all of a shorter one */
export function pictureFormat(start: Uint8Array): PictureFormat | undefined {
  const text = Buffer.from(start.subarray(0, PICTURE_KIND_BYTES)).toString("latin1");
  const found = MAGICS.find(([magic, at]) => text.startsWith(magic, at));
  // The mark of WebP is preceded by that of the container, which other kinds of file have, too.
  return found?.[2] === "webp" && !text.startsWith("RIFF") ? undefined : found?.[2];
}
