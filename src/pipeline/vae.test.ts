/** @file Tiles: their sizes against what they must cover, and the blend of their seams against a decoder of known answers. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { SDXL_BASE } from "../models/sdxl/config.ts";
import type { Session } from "../runtime/runtime.ts";
import { decodeLatents, spans, type Tiling, tileExtent, tilingFor } from "./vae.ts";

test("tiles cover everything, share what they should, and are no larger or more than needed", () => {
  const tilings = fc
    .tuple(fc.integer({ min: 2, max: 200 }), fc.double({ min: 0, max: 0.9, noNaN: true }))
    .map(([tile, share]): Tiling => ({ tile, overlap: Math.min(tile - 1, Math.floor(share * tile)) }));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 600 }), tilings, (length, tiling) => {
      const found = spans(length, tiling);
      expect([found[0]!.start, found.at(-1)!.end]).toEqual([0, length]);
      const sizes = new Set(found.map(({ start, end }) => end - start));
      expect(sizes.size).toBe(1);
      const [size] = [...sizes] as [number];
      expect(size).toBeLessThanOrEqual(tiling.tile);
      for (let i = 1; i < found.length; i++) {
        expect(found[i - 1]!.end - found[i]!.start).toBeGreaterThanOrEqual(tiling.overlap);
      }
      // One fewer of the largest could not reach, and tiles one smaller could not either.
      const reach = (count: number, side: number) => count * side - (count - 1) * tiling.overlap;
      if (found.length > 1) {
        expect(reach(found.length - 1, tiling.tile)).toBeLessThan(length);
        expect(reach(found.length, size - 1)).toBeLessThan(length);
      }
    }),
    { numRuns: 500 },
  );
});

// In latents of 8 pixels: 1088 pixels are 136.
test.each([
  { mode: "auto", side: 128, tiles: 1, size: 128 },
  { mode: "auto", side: 136, tiles: 2, size: 84 },
  { mode: "auto", side: 256, tiles: 3, size: 107 },
  { mode: "on", side: 128, tiles: 3, size: 54 },
  { mode: "on", side: 64, tiles: 2, size: 37 },
  { mode: "on", side: 16, tiles: 2, size: 9 },
  { mode: "on", side: 8, tiles: 2, size: 5 },
  { mode: "off", side: 256, tiles: 1, size: 256 },
] as const)("$mode: a side of $side latents is $tiles tiles of $size", ({ mode, side, tiles, size }) => {
  const extent = { height: side, width: 8 };
  const tiling = tilingFor(mode, extent);
  expect(tiling ? spans(side, tiling).length : 1).toBe(tiles);
  expect(tileExtent(extent, tiling).height).toBe(size);
});

/** Decodes each latent to a block of its first channel's value: local, so tiles must give exactly the whole. */
const blocks: Session = {
  async run({ latents }) {
    const { data, shape } = latents!;
    const [, , h, w] = shape as [number, number, number, number];
    const [height, width] = [8 * h, 8 * w];
    const image = Float32Array.from({ length: 3 * height * width }, (_, i) => {
      const [y, x] = [Math.floor(i / width) % height, i % width];
      return Number(data[(y >> 3) * w + (x >> 3)]);
    });
    return { image: { data: image, shape: [1, 3, height, width] } };
  },
  async release() {},
};

test.each([
  [20, 33],
  [33, 20],
  [13, 12],
])(
  "%i × %i latents in tiles of 12 are the whole picture, and none is larger than was promised",
  async (height, width) => {
    const tiling = { tile: 12, overlap: 3 };
    const promised = tileExtent({ height, width }, tiling);
    const config = SDXL_BASE.vae!;
    const data = Float32Array.from({ length: 4 * height * width }, (_, i) => 0.1 * Math.sin(i * 12.9));
    const runs: string[] = [];
    const session: Session = {
      ...blocks,
      run: (feeds) => {
        runs.push(feeds.latents!.shape.slice(2).join("×"));
        return blocks.run(feeds);
      },
    };
    const decoded = async (tiles?: Tiling) => {
      const walk = decodeLatents(session, config, { data, height, width }, tiles);
      for (;;) {
        const { done, value } = await walk.next();
        if (done) return value;
      }
    };
    const whole = await decoded();
    runs.length = 0;
    expect(await decoded(tiling)).toEqual(whole);
    expect(new Set(runs)).toEqual(new Set([`${promised.height}×${promised.width}`]));
  },
);
