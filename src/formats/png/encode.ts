/** @file Pixels to PNG, without a native library, so that a picture can be saved before one is loaded. */

import { deflateSync } from "node:zlib";
import { IllustriousError } from "../../base/error.ts";
import { PNG_SIGNATURE, pngChunk } from "./chunks.ts";
import { encodeText, type PngText } from "./text.ts";

export type RgbImage = {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** 8-bit red, green and blue of each pixel, row by row from the top: `3 * width * height` bytes. */
  readonly rgb: Uint8Array;
};

/** As A1111's pictures and ComfyUI's have: a little larger than level 9, and several times faster. */
const LEVEL = 4;

const BYTES_A_PIXEL = 3;

/**
 * A PNG file of 8-bit RGB, with texts before the pixels.
 *
 * @throws IllustriousError `bad_shape` when `rgb` has not 3 bytes a pixel; `bad_option` as `encodeText`
 */
export function encodePng(image: RgbImage, texts: Iterable<PngText> = []): Uint8Array {
  checkImage(image);
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, image.width);
  view.setUint32(4, image.height);
  // 8 bits a channel, red-green-blue, and the only methods there are; not interlaced.
  header.set([8, 2, 0, 0, 0], 8);
  const packed = deflateSync(filterRows(image), { level: LEVEL });
  return new Uint8Array(
    Buffer.concat([
      PNG_SIGNATURE,
      pngChunk("IHDR", header),
      ...Array.from(texts, encodeText),
      pngChunk("IDAT", packed),
      pngChunk("IEND", new Uint8Array(0)),
    ]),
  );
}

function checkImage({ width, height, rgb }: RgbImage): void {
  const sides = [width, height].every((side) => Number.isInteger(side) && side >= 1 && side < 2 ** 31);
  if (sides && rgb.length === BYTES_A_PIXEL * width * height) return;
  const message = `a picture of ${width} x ${height} with ${rgb.length} bytes`;
  throw new IllustriousError("bad_shape", message, "Give whole sides of at least 1 and three bytes a pixel.");
}

/** Each row preceded by its filter's number, as deflate receives them. */
function filterRows({ width, height, rgb }: RgbImage): Uint8Array {
  const stride = BYTES_A_PIXEL * width;
  const out = new Uint8Array((stride + 1) * height);
  // A black pixel stands before each row, so that the first pixel is filtered as any other is.
  let row = new Uint8Array(BYTES_A_PIXEL + stride);
  let above = new Uint8Array(BYTES_A_PIXEL + stride);
  const tries = filters.map(() => new Uint8Array(stride));
  for (let y = 0; y < height; y++) {
    row.set(rgb.subarray(y * stride, (y + 1) * stride), BYTES_A_PIXEL);
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let f = 0; f < filters.length; f++) {
      filters[f]!(row, above, tries[f]!);
      const cost = spread(tries[f]!);
      if (cost < least) [best, least] = [f, cost];
    }
    out[y * (stride + 1)] = best;
    out.set(tries[best]!, y * (stride + 1) + 1);
    [row, above] = [above, row];
  }
  return out;
}

/** Sum of the differences' magnitudes, as signed bytes: the choice of filter that the PNG specification suggests (§12.7). */
function spread(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) {
    const b = bytes[i]!;
    sum += b < 128 ? b : 256 - b;
  }
  return sum;
}

type Filter = (row: Uint8Array, above: Uint8Array, out: Uint8Array) => void;

/**
 * By their numbers, §9.2. In a row, index `i` is the pixel to the left of the byte that goes to `out[i]`, and
 * `i + BYTES_A_PIXEL` that byte itself.
 */
const filters: readonly Filter[] = [
  (row, _above, out) => out.set(row.subarray(BYTES_A_PIXEL)),
  (row, _above, out) => {
    for (let i = 0; i < out.length; i++) out[i] = row[i + BYTES_A_PIXEL]! - row[i]!;
  },
  (row, above, out) => {
    for (let i = 0; i < out.length; i++) out[i] = row[i + BYTES_A_PIXEL]! - above[i + BYTES_A_PIXEL]!;
  },
  (row, above, out) => {
    for (let i = 0; i < out.length; i++) {
      out[i] = row[i + BYTES_A_PIXEL]! - ((row[i]! + above[i + BYTES_A_PIXEL]!) >> 1);
    }
  },
  (row, above, out) => {
    for (let i = 0; i < out.length; i++) {
      out[i] = row[i + BYTES_A_PIXEL]! - paeth(row[i]!, above[i + BYTES_A_PIXEL]!, above[i]!);
    }
  },
];

/** Of left, above and above left, the one nearest to a + b - c; ties go to a, then b. */
function paeth(a: number, b: number, c: number): number {
  const fromA = Math.abs(b - c);
  const fromB = Math.abs(a - c);
  const fromC = Math.abs(a + b - 2 * c);
  if (fromA <= fromB && fromA <= fromC) return a;
  return fromB <= fromC ? b : c;
}
