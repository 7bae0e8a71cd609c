/** @file A sheet of small pictures that is worth looking at: enlarged, in rows, with a margin between them. */

import type { RgbImage } from "../formats/png/index.ts";

/** Pixels between pictures and around them. */
const MARGIN = 8;
/** A cell of the sheet is not smaller than this, as far as whole factors go. */
const CELL = 384;

/** Rows of pictures of one size. Rows may differ in length. */
export async function sheetOf(rows: readonly (readonly RgbImage[])[], margin: number = MARGIN): Promise<RgbImage> {
  const all = rows.flat();
  const factor = Math.max(1, Math.floor(CELL / Math.max(...all.map(({ width }) => width))));
  const cellWidth = factor * Math.max(...all.map(({ width }) => width));
  const cellHeight = factor * Math.max(...all.map(({ height }) => height));
  const columns = Math.max(...rows.map((row) => row.length));
  const width = columns * (cellWidth + margin) + margin;
  const height = rows.length * (cellHeight + margin) + margin;
  const rgb = new Uint8Array(3 * width * height).fill(255);
  for (const [r, row] of rows.entries()) {
    for (const [c, picture] of row.entries()) {
      const left = margin + c * (cellWidth + margin);
      const top = margin + r * (cellHeight + margin);
      paste(await enlarged(picture, factor), { width, rgb }, left, top);
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

async function enlarged({ width, height, rgb }: RgbImage, factor: number): Promise<RgbImage> {
  if (factor === 1) return { width, height, rgb };
  const { default: sharp } = await import("sharp");
  const pixels = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .resize(width * factor, height * factor, { kernel: "lanczos3" })
    .raw()
    .toBuffer();
  return { width: width * factor, height: height * factor, rgb: new Uint8Array(pixels) };
}
