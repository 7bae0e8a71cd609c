/** @file Buckets of sizes that are known by heart, and counts that add up for any sizes. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { bucketCounter, SIDES } from "./bucket-counts.ts";

function counted(sizes: readonly (readonly [width: number, height: number])[]) {
  const counter = bucketCounter();
  for (const [width, height] of sizes) counter.add({ width, height });
  return { areas: counter.areas(), shapes: counter.shapes() };
}

test("a square, a portrait and a small image", () => {
  const { areas, shapes } = counted([
    [1024, 1024],
    [832, 1216],
    [200, 100],
  ]);
  const of1024 = areas.find(({ side }) => side === 1024)!;
  expect(of1024.buckets).toEqual([
    { width: 832, height: 1216, images: 1 },
    { width: 1024, height: 1024, images: 1 },
    { width: 1408, height: 704, images: 1 },
  ]);
  expect(of1024.enlarged).toBe(1);
  expect(areas.find(({ side }) => side === 1280)!.enlarged).toBe(3);
  const at = (side: number, shape: string) =>
    shapes.areas.find((area) => area.side === side)!.images[shapes.shapes.indexOf(shape)];
  // 832 x 1216 is a little less than 1024 squared.
  expect([at(1024, "1:1"), at(768, "2:3"), at(0, "2:1")]).toEqual([1, 1, 1]);
});

test("every image is in one bucket of each area and in one shape", () => {
  const side = fc.integer({ min: 1, max: 20_000 });
  fc.assert(
    fc.property(fc.array(fc.tuple(side, side), { maxLength: 40 }), (sizes) => {
      const { areas, shapes } = counted(sizes);
      const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
      expect(areas.map(({ buckets }) => sum(buckets.map(({ images }) => images)))).toEqual(
        SIDES.map(() => sizes.length),
      );
      expect(sum(shapes.areas.map(({ images }) => sum(images)))).toBe(sizes.length);
    }),
    { numRuns: 50 },
  );
});
