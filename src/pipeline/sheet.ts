/** @file Several pictures on one: rows of cells on white, small pictures enlarged and large ones made to fit. */

import type { RgbImage } from "../formats/png/index.ts";

/** Pixels between the pictures of a sheet that is worth looking at, and around them. */
export const MARGIN = 8;

/** A cell of such a sheet is not smaller than this, as far as whole factors go. */
export const CELL = 384;

/**
 * No side of a sheet is longer, margins apart: 8192² pixels are 200 MB while they are in memory, and about as much as
 * programs that show pictures take well. Ten thousand pictures get cells of 81 pixels.
 */
export const LONGEST_SIDE = 8192;

type Size = { readonly width: number; readonly height: number };

/** Rows of pictures, each in a cell as large as the largest. Rows may differ in length. */
export function sheetOf(rows: readonly (readonly RgbImage[])[], margin = 0): RgbImage {
  const all = rows.flat();
  const cellWidth = Math.max(...all.map(({ width }) => width));
  const cellHeight = Math.max(...all.map(({ height }) => height));
  const columns = Math.max(...rows.map((row) => row.length));
  const width = columns * (cellWidth + margin) + margin;
  const height = rows.length * (cellHeight + margin) + margin;
  const rgb = new Uint8Array(3 * width * height).fill(255);
  for (const [r, row] of rows.entries()) {
    for (const [c, picture] of row.entries()) {
      paste(picture, { width, rgb }, margin + c * (cellWidth + margin), margin + r * (cellHeight + margin));
    }
  }
  return { width, height, rgb };
}

function paste(image: RgbImage, onto: { width: number; rgb: Uint8Array }, left: number, top: number): void {
  for (let y = 0; y < image.height; y++) {
    const row = image.rgb.subarray(3 * y * image.width, 3 * (y + 1) * image.width);
    onto.rgb.set(row, 3 * ((top + y) * onto.width + left));
  }
}

/** One row broken into several, as near to a square of pictures as their number allows. */
export function squared<T>(row: readonly T[]): T[][] {
  const { columns, rows } = squareOf(row.length);
  return Array.from({ length: rows }, (_, r) => row.slice(r * columns, (r + 1) * columns));
}

/** Of the sheet that `squared` makes of so many pictures. */
export function squareOf(count: number): { columns: number; rows: number } {
  const columns = Math.ceil(Math.sqrt(count));
  return { columns, rows: Math.ceil(count / columns) };
}

/**
 * A picture as it will be on a sheet of so many columns and rows. Made when the picture comes, so that many pictures take
 * no more memory than their sheet.
 *
 * @param least pixels that small pictures are brought near to, by whole factors
 */
export async function cellOf(
  picture: RgbImage,
  { columns, rows }: { columns: number; rows: number },
  least = 0,
): Promise<RgbImage> {
  const { width, height } = picture;
  const wanted = Math.max(1, Math.floor(least / width));
  const scale = Math.min(wanted, LONGEST_SIDE / (columns * width), LONGEST_SIDE / (rows * height));
  const scaled = (side: number) => Math.max(1, Math.floor(side * scale));
  return resized(picture, { width: scaled(width), height: scaled(height) });
}

async function resized(picture: RgbImage, to: Size): Promise<RgbImage> {
  const { width, height, rgb } = picture;
  if (to.width === width && to.height === height) return picture;
  // Loaded when it is needed, for `--help` needs none of it.
  const { default: sharp } = await import("sharp");
  const pixels = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .resize(to.width, to.height, { kernel: "lanczos3", fit: "fill" })
    .raw()
    .toBuffer();
  return { ...to, rgb: new Uint8Array(pixels) };
}
