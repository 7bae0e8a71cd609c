/** @file Sheets: the place of every picture, and how much larger it is. */

import { expect, test } from "vitest";
import { sheetOf } from "./sheet.ts";

const grey = (width: number, height: number, value: number) => ({
  width,
  height,
  rgb: new Uint8Array(3 * width * height).fill(value),
});

/** Values along the row and down the column through the middle of a cell, each run once. */
function runs(values: readonly number[]): [value: number, length: number][] {
  const found: [number, number][] = [];
  for (const value of values) {
    const last = found.at(-1);
    if (last?.[0] === value) last[1]++;
    else found.push([value, 1]);
  }
  return found;
}

test("rows of different length, enlarged by whole factors, on white", async () => {
  const sheet = await sheetOf([[grey(128, 64, 10), grey(128, 64, 20)], [grey(128, 64, 30)]]);
  expect([sheet.width, sheet.height]).toEqual([2 * 384 + 3 * 8, 2 * 192 + 3 * 8]);
  const at = (x: number, y: number) => sheet.rgb[3 * (y * sheet.width + x)]!;
  const row = (y: number) => runs(Array.from({ length: sheet.width }, (_, x) => at(x, y)));
  expect(row(100)).toEqual([
    [255, 8],
    [10, 384],
    [255, 8],
    [20, 384],
    [255, 8],
  ]);
  expect(row(300)).toEqual([
    [255, 8],
    [30, 384],
    [255, 400],
  ]);
  expect(runs(Array.from({ length: sheet.height }, (_, y) => at(100, y)))).toEqual([
    [255, 8],
    [10, 192],
    [255, 8],
    [30, 192],
    [255, 8],
  ]);
});

test("large pictures are not enlarged, and a margin can be left out", async () => {
  const sheet = await sheetOf([[grey(400, 300, 1), grey(400, 300, 2)]], 0);
  expect([sheet.width, sheet.height]).toEqual([800, 300]);
  expect(runs([...sheet.rgb.subarray(0, 3 * 800)])).toEqual([
    [1, 1200],
    [2, 1200],
  ]);
});
