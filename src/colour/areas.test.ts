/** @file Means of areas against sums over every pixel's share, in doubles. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { areaMeans, shrink } from "./areas.ts";
import { measureColours } from "./measures.ts";
import type { Pixels } from "./pixels.ts";
import { placed } from "./placed.ts";

/** How much of the pixel that begins at `i` lies between two places of its axis. */
const overlap = (i: number, from: number, to: number) => Math.max(0, Math.min(i + 1, to) - Math.max(i, from));

function meansByHand({ width, height, rgb }: Pixels, columns: number, rows: number): number[] {
  const means: number[] = [];
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const sums = [0, 0, 0];
      for (let i = 0; i < width * height; i++) {
        const across = overlap(i % width, (x * width) / columns, ((x + 1) * width) / columns);
        const share = across * overlap(Math.floor(i / width), (y * height) / rows, ((y + 1) * height) / rows);
        for (let c = 0; c < 3; c++) sums[c]! += share * rgb[3 * i + c]!;
      }
      means.push(...sums.map((sum) => sum / ((width / columns) * (height / rows))));
    }
  }
  return means;
}

const side = fc.integer({ min: 1, max: 40 });
const picture = fc.tuple(side, side).chain(([width, height]) => {
  const size = 3 * width * height;
  return fc.uint8Array({ minLength: size, maxLength: size }).map((rgb): Pixels => ({ width, height, rgb }));
});

test("any picture's means, of larger and of smaller areas than a pixel", () => {
  fc.assert(
    fc.property(picture, side, side, (pixels, columns, rows) => {
      const means = areaMeans(pixels, columns, rows);
      for (const [i, mean] of meansByHand(pixels, columns, rows).entries()) {
        expect(Math.abs(means[i]! - mean)).toBeLessThan(1e-9);
      }
    }),
    { seed: 4, numRuns: 60 },
  );
});

test("a smaller picture has the means, rounded half up", () => {
  fc.assert(
    fc.property(picture, side, side, (pixels, columns, rows) => {
      const [width, height] = [Math.min(columns, pixels.width), Math.min(rows, pixels.height)];
      const small = shrink(pixels, width, height);
      // Sums by hand may fall short of a half by their rounding.
      const rounded = meansByHand(pixels, width, height).map((mean) => Math.floor(mean + 0.5 + 1e-9));
      expect(Array.from(small.rgb)).toEqual(rounded);
    }),
    { seed: 5, numRuns: 60 },
  );
});

test("means next to half-way between two values go to the right one, whatever the area", () => {
  for (let pixels = 2; pixels <= 4500; pixels++) {
    for (const value of [0, 1 + (pixels % 253), 254]) {
      // Of so many pixels of `value`, the most that may be one more without taking the mean to a half, and one more of them.
      const below = Math.ceil(pixels / 2) - 1;
      for (const more of [below, below + 1]) {
        const rgb = new Uint8Array(3 * pixels).fill(value).fill(value + 1, 0, 3 * more);
        const expected = value + (more > below ? 1 : 0);
        expect(shrink({ width: pixels, height: 1, rgb }, 1, 1).rgb[0]).toBe(expected);
        expect(shrink({ width: 1, height: pixels, rgb }, 1, 1).rgb[0]).toBe(expected);
      }
    }
  }
});

test("sides that become one pixel less: every share of two values is rounded to the right one", () => {
  // Of 64 ** 2 parts and more, means may be nearer to half-way than floats tell; 257 ** 2 parts are too many for them.
  for (const side of [2, 3, 64, 65, 129, 255, 256, 257]) {
    const less = side - 1;
    const value = (x: number, y: number) => 100 + ((x ^ y) & 1);
    const rgb = Uint8Array.from({ length: 3 * side * side }, (_, i) => {
      const pixel = Math.floor(i / 3);
      return value(pixel % side, Math.floor(pixel / side));
    });
    const expected = new Uint8Array(3 * less * less);
    for (let y = 0; y < less; y++) {
      for (let x = 0; x < less; x++) {
        const along = (row: number) => (less - x) * value(x, row) + (x + 1) * value(x + 1, row);
        const sum = (less - y) * along(y) + (y + 1) * along(y + 1);
        expected.fill(Math.floor((2 * sum + side ** 2) / (2 * side ** 2)), 3 * (less * y + x), 3 * (less * y + x + 1));
      }
    }
    expect(shrink({ width: side, height: side, rgb }, less, less).rgb).toEqual(expected);
  }
});

test("columns of white, about as many parts as 16 bits hold", () => {
  for (const height of [256, 257, 258, 259, 514]) {
    const rgb = new Uint8Array(3 * height).fill(255);
    expect(Array.from(shrink({ width: 1, height, rgb }, 1, 1).rgb)).toEqual([255, 255, 255]);
  }
});

test("a placed picture stays where it is while its means are taken, tiny ones too", () => {
  for (const [width, height] of [
    [2, 1],
    [5, 40],
    [30, 20],
  ] as const) {
    const rgb = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 37) % 256);
    const picture = placed({ width, height, rgb });
    areaMeans(picture, 9, 8);
    expect(measureColours(picture)).toEqual(measureColours({ width, height, rgb }));
  }
});

test("rows whose sum of bytes passes 32 bits", () => {
  const height = 17_000_001;
  const rgb = new Uint8Array(3 * height).fill(255);
  expect(shrink({ width: 1, height, rgb }, 1, 1).rgb).toEqual(Uint8Array.of(255, 255, 255));
  rgb.fill(1, 0, 3 * 8_500_001);
  const [mean] = areaMeans({ width: 1, height, rgb }, 1, 1);
  expect(Math.abs(mean! - (8_500_001 + 255 * 8_500_000) / height)).toBeLessThan(1e-9);
});
