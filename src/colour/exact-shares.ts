/** @file Shares of pixels with exact values, counted on the picture as decoded: an average would hide them. */

import type { Pixels } from "./pixels.ts";

export type ExactShares = {
  /** Shares of the pixels as decoded, 0 to 1: exactly #FFFFFF, exactly #000000, any channel at 255, any channel at 0. */
  whiteShare: number;
  blackShare: number;
  clippedHighShare: number;
  clippedLowShare: number;
};

/**
 * Four pixels at once, as three words of four bytes. Few pictures have many bytes of 0 or 255 outside of white and black ground, so
 * that `extremes` is done with most fours, and comparing whole words with those grounds.
 */
export function exactShares({ width, height, rgb }: Pixels): ExactShares {
  // Words lie at multiples of four bytes; a view into a larger buffer may not.
  const bytes = rgb.byteOffset % 4 === 0 ? rgb : rgb.slice();
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, 3 * Math.floor(bytes.length / 12));
  const counts = { white: 0, black: 0, high: 0, low: 0 };
  let allWhite = 0;
  let allBlack = 0;
  for (let i = 0; i + 2 < words.length; i += 3) {
    const one = words[i]! | 0;
    const two = words[i + 1]! | 0;
    const three = words[i + 2]! | 0;
    if (((extremes(one) | extremes(two) | extremes(three)) & 0x80808080) === 0) continue;
    if ((one & two & three) === -1) allWhite += 4;
    else if ((one | two | three) === 0) allBlack += 4;
    else count(bytes, 4 * i, 4 * i + 12, counts);
  }
  count(bytes, 4 * words.length, bytes.length, counts);
  const pixels = width * height;
  return {
    whiteShare: (counts.white + allWhite) / pixels,
    blackShare: (counts.black + allBlack) / pixels,
    clippedHighShare: (counts.high + allWhite) / pixels,
    clippedLowShare: (counts.low + allBlack) / pixels,
  };
}

/**
 * The highest bit of each byte: whether the byte is 0 or 255, which are those whose bits are all equal. Each bit but the highest is
 * compared with the one above it; taken from 128, only a byte without any difference leaves the highest bit.
 */
function extremes(word: number): number {
  return 0x80808080 - ((word ^ (word >>> 1)) & 0x7f7f7f7f);
}

function count(
  rgb: Uint8Array,
  start: number,
  end: number,
  counts: { white: number; black: number; high: number; low: number },
): void {
  for (let i = start; i < end; i += 3) {
    const r = rgb[i]!;
    const g = rgb[i + 1]!;
    const b = rgb[i + 2]!;
    if (r === 255 || g === 255 || b === 255) {
      counts.high++;
      if (r + g + b === 765) counts.white++;
    }
    if (r === 0 || g === 0 || b === 0) {
      counts.low++;
      if (r + g + b === 0) counts.black++;
    }
  }
}
