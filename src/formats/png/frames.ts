/** @file How many frames an animated PNG says that it has. Format: PNG (Third Edition), W3C 2025, §11.3.6.1. */

import { PNG_SIGNATURE } from "./chunks.ts";

/** Chunks that are passed over on the way to the pixels: a file may have millions of empty ones. */
const MAX_CHUNKS = 1000;

/**
 * What stands before the pixels, by the heads of chunks alone: neither data nor checksums are looked at, and nothing is thrown.
 * 1 for a PNG without animation, and where the number is damaged.
 */
export function pngFrames(png: Uint8Array): number {
  const view = new DataView(png.buffer, png.byteOffset, png.length);
  let start = PNG_SIGNATURE.length;
  for (let passed = 0; passed < MAX_CHUNKS && start + 12 <= png.length; passed++) {
    const length = view.getUint32(start);
    const type = view.getUint32(start + 4);
    if (type === IDAT) return 1;
    if (type === ACTL) {
      const frames = length === 8 && start + 12 + length <= png.length ? view.getUint32(start + 8) : 0;
      return frames >= 1 && frames < 2 ** 31 ? frames : 1;
    }
    start += 12 + length;
  }
  return 1;
}

/** Types as numbers of four letters. */
const [IDAT, ACTL] = [0x49444154, 0x6163544c];
