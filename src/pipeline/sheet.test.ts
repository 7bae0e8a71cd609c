/** @file Sheets: the place of every picture, how much larger it is, and how small it becomes among many. */

import { expect, test } from "vitest";
import { CELL, cellOf, LONGEST_SIDE, MARGIN, sheetOf, squared, squareOf } from "./sheet.ts";

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
  const cell = (value: number) => cellOf(grey(128, 64, value), { columns: 2, rows: 2 }, CELL);
  const sheet = sheetOf([[await cell(10), await cell(20)], [await cell(30)]], MARGIN);
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

test("without a margin, of any sizes", () => {
  const sheet = sheetOf([[grey(400, 300, 1), grey(400, 300, 2), grey(100, 100, 3)]]);
  expect([sheet.width, sheet.height]).toEqual([1200, 300]);
  expect(runs([...sheet.rgb.subarray(0, 3 * 1200)])).toEqual([
    [1, 1200],
    [2, 1200],
    [3, 300],
    [255, 900],
  ]);
});

test("a row becomes a square, nearly", () => {
  expect(squared([1, 2, 3, 4, 5])).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
  expect(squared([1])).toEqual([[1]]);
  for (let count = 1; count < 50; count++) {
    const rows = squared(Array.from({ length: count }, (_, i) => i));
    expect(rows.flat()).toHaveLength(count);
    expect(squareOf(count)).toEqual({ columns: rows[0]!.length, rows: rows.length });
  }
});

test.each([
  [1, 2048, 2048],
  [16, 2048, 2048],
  [17, 1638, 1638],
  [10_000, 81, 81],
])("of %i pictures of 2048 pixels each is %i wide, so that the sheet has bounds", async (count, width, height) => {
  const cell = await cellOf(grey(2048, 2048, 7), squareOf(count));
  expect([cell.width, cell.height]).toEqual([width, height]);
  expect(new Set(cell.rgb)).toEqual(new Set([7]));
  expect(squareOf(count).columns * cell.width).toBeLessThanOrEqual(LONGEST_SIDE);
});

test("the longer way counts: few columns of tall pictures, or one long row", async () => {
  expect(await cellOf(grey(64, 2048, 0), { columns: 1, rows: 8 })).toMatchObject({ width: 32, height: 1024 });
  expect(await cellOf(grey(16, 16, 0), { columns: 64, rows: 1 }, CELL)).toMatchObject({ width: 128, height: 128 });
});
