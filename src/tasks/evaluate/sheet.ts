/** @file A row's pictures on one sheet: a line of pictures a cell, seeds from left to right, a red frame around what is wrong. */

import type { RgbImage } from "../../formats/png/index.ts";
import { sheetOf } from "../../pipeline/sheet.ts";
import type { Cell } from "./cells.ts";
import type { Records } from "./records.ts";

/** Pixels of a picture on the sheet; less when the sheet would get too wide or high to be looked at. */
const SIDE = 96;
const LONGEST = 4096;
const MARGIN = 3;
const FRAME = 4;
const RED = [255, 0, 32] as const;

export async function contactSheet(cells: readonly Cell[], records: Records): Promise<RgbImage> {
  const columns = Math.max(...cells.map(({ shots }) => shots.length));
  const side = Math.max(16, Math.min(SIDE, Math.floor(LONGEST / Math.max(columns, cells.length)) - MARGIN));
  const rows: RgbImage[][] = [];
  for (const cell of cells) {
    const row: RgbImage[] = [];
    for (const shot of cell.shots) {
      const picture = await records.picture(cell, shot);
      const small = picture ? await resized(picture, side) : grey(side);
      row.push(records.find(cell, shot)?.right === false ? framed(small) : small);
    }
    rows.push(row);
  }
  return sheetOf(rows, MARGIN);
}

async function resized({ width, height, rgb }: RgbImage, side: number): Promise<RgbImage> {
  if (width === side && height === side) return { width, height, rgb };
  const { default: sharp } = await import("sharp");
  const pixels = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .resize(side, side, { fit: "fill" })
    .raw()
    .toBuffer();
  return { width: side, height: side, rgb: new Uint8Array(pixels) };
}

/** In place of a picture that somebody has deleted. */
const grey = (side: number): RgbImage => ({
  width: side,
  height: side,
  rgb: new Uint8Array(3 * side * side).fill(200),
});

/** The picture's edge in red. */
export function framed({ width, height, rgb }: RgbImage): RgbImage {
  const out = rgb.slice();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (Math.min(x, y, width - 1 - x, height - 1 - y) < FRAME) out.set(RED, 3 * (y * width + x));
    }
  }
  return { width, height, rgb: out };
}
