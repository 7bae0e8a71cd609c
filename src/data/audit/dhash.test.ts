/** @file The perceptual hash of pictures whose bits can be told by hand, and of a picture that was changed. */

import fc from "fast-check";
import sharp from "sharp";
import { expect, test } from "vitest";
import type { Pixels } from "../../colour/index.ts";
import { renderScene, sceneAt } from "../scenes/index.ts";
import { dHash } from "./dhash.ts";
import { hammingDistance } from "./near-duplicates.ts";

const grey = (width: number, height: number, at: (x: number, y: number) => number): Pixels => ({
  width,
  height,
  rgb: Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return at(pixel % width, Math.floor(pixel / width));
  }),
});

test.each<[name: string, at: (x: number, y: number) => number, bits: bigint | null]>([
  ["brighter to the right", (x) => 20 * x, 0xffff_ffff_ffff_ffffn],
  ["darker to the right", (x) => 200 - 20 * x, 0n],
  ["stripes, every second column bright", (x) => 100 * (x % 2), 0xaaaa_aaaa_aaaa_aaaan],
  ["rows that take turns", (x, y) => (y % 2 === 0 ? 20 * x : 200 - 20 * x), 0xff00_ff00_ff00_ff00n],
  [
    "a step up in the middle of the first row, down in that of the others",
    (x, y) => ((y === 0) === x > 4 ? 99 : 0),
    0x0800_0000_0000_0000n,
  ],
  ["a bright last column", (x) => (x === 8 ? 255 : 0), 0x0101_0101_0101_0101n],
  ["the same in seven rows of eight, which is too little", (x, y) => (x === 8 && y > 0 ? 255 : 0), null],
  ["brighter downwards only", (_, y) => 30 * y, null],
  ["steps of one, which are none", (x) => x, null],
])("%s, of cells of one pixel and of many", (_, at, bits) => {
  expect(dHash(grey(9, 8, at))).toBe(bits);
  expect(dHash(grey(90, 24, (x, y) => at(Math.floor(x / 10), Math.floor(y / 3))))).toBe(bits);
});

test("a flat picture has no hash, whatever its colour", () => {
  for (const value of [0, 128, 255]) expect(dHash(grey(64, 48, () => value))).toBeNull();
  expect(dHash(grey(1, 1, () => 7))).toBeNull();
  expect(dHash(grey(64, 48, (x, y) => 100 + ((x + y) % 3)))).toBeNull();
});

test("sides that the grid does not divide: every cell of a ramp is brighter than the one before", () => {
  const side = fc.integer({ min: 9, max: 70 });
  fc.assert(
    fc.property(side, fc.integer({ min: 1, max: 70 }), (width, height) => {
      const ramp = grey(width, height, (x) => Math.round((255 * x) / (width - 1)));
      expect(dHash(ramp)).toBe(0xffff_ffff_ffff_ffffn);
    }),
  );
});

test("a picture smaller than the grid: its pixels' edges are where cells change", () => {
  // Cells 0 to 3 lie in the dark pixel, 4 in both, 5 to 8 in the bright one: two steps up.
  expect(dHash(grey(2, 1, (x) => 200 * x))).toBe(0x1818_1818_1818_1818n);
});

test("another size, JPEG and brightness leave a picture near itself, and other pictures are far", async () => {
  const shown = Array.from({ length: 40 }, (_, seed) => sceneAt(seed)).filter(({ girls }) => girls.length > 0);
  const scenes = await Promise.all(shown.slice(0, 4).map((scene) => renderScene(scene, 192)));
  const hashes = scenes.map(dHash);
  for (const [i, { width, height, rgb }] of scenes.entries()) {
    const picture = sharp(Buffer.from(rgb), { raw: { width, height, channels: 3 } });
    const changed = [
      await picture.clone().resize(100, 100).jpeg({ quality: 70 }).toBuffer(),
      await picture.clone().linear(0.9, 10).png().toBuffer(),
    ];
    for (const bytes of changed) {
      const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
      const again = dHash({ width: info.width, height: info.height, rgb: data });
      expect(hammingDistance(again!, hashes[i]!)).toBeLessThanOrEqual(3);
    }
    for (const other of hashes.slice(i + 1)) expect(hammingDistance(other!, hashes[i]!)).toBeGreaterThan(3);
  }
});
