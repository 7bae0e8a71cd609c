/**
 * @file Which training sizes a set's images would get: at each of several areas the bucket of every image, and what shapes there are at
 * the largest area that an image fills without being enlarged. Buckets are those of `src/data/sets`, sides multiples of 64.
 */

import { bucketTable, placementOf, type Size, scaleOf } from "../sets/buckets.ts";

/** Sides of squares whose area images are trained at, in pixels. */
export const SIDES = [256, 512, 768, 1024, 1280, 1536, 2048] as const;

/** Width over height, by the names that people have for them. */
const SHAPES = ["1:3", "1:2", "9:16", "2:3", "3:4", "4:5", "1:1", "5:4", "4:3", "3:2", "16:9", "2:1", "3:1"] as const;

export type AreaBuckets = {
  readonly side: number;
  /** Images that would be drawn larger than they are to fill their bucket. */
  readonly enlarged: number;
  /** Buckets that any image falls into, sorted by width, then height. */
  readonly buckets: readonly { readonly width: number; readonly height: number; readonly images: number }[];
};

export type ShapeCounts = {
  readonly shapes: readonly string[];
  /** From the smallest area; images that fill none of the areas have `side` 0. `images` are by shape, the nearest by ratio. */
  readonly areas: readonly { readonly side: number; readonly images: readonly number[] }[];
};

export type BucketCounter = {
  /** @param size in pixels, as the image is seen */
  add(size: Size): void;
  areas(): AreaBuckets[];
  shapes(): ShapeCounts;
};

type Found = {
  readonly places: readonly { readonly index: number; readonly enlarges: boolean }[];
  readonly cell: number;
};

/** Sizes remembered, since those of a set come again; then all are forgotten. */
const MOST_SIZES = 20_000;

export function bucketCounter(): BucketCounter {
  const tables = SIDES.map((side) =>
    bucketTable({
      resolution: { width: side, height: side },
      ...{ enabled: true, noUpscale: false, steps: 64, min: undefined, max: undefined, list: "computed" },
    }),
  );
  const counts = tables.map(({ sizes }) => new Float64Array(sizes.length));
  const enlarged = new Float64Array(SIDES.length);
  const cells = new Float64Array((SIDES.length + 1) * SHAPES.length);
  const ratios = SHAPES.map((shape) => {
    const [width, height] = shape.split(":").map(Number);
    return Math.log(width! / height!);
  });
  const known = new Map<string, Found>();

  function find(size: Size): Found {
    const places = tables.map((table) => {
      const placement = placementOf(size, table)!;
      const { bucket } = placement;
      const index = table.sizes.findIndex(({ width, height }) => width === bucket.width && height === bucket.height);
      return { index, enlarges: scaleOf(size, placement) > 1 };
    });
    const fills = SIDES.filter((side) => size.width * size.height >= side ** 2).length;
    const ratio = Math.log(size.width / size.height);
    const distances = ratios.map((one) => Math.abs(one - ratio));
    return { places, cell: fills * SHAPES.length + distances.indexOf(Math.min(...distances)) };
  }

  return {
    add(size) {
      const key = `${size.width}x${size.height}`;
      const found = known.get(key) ?? find(size);
      if (known.size >= MOST_SIZES) known.clear();
      known.set(key, found);
      cells[found.cell]!++;
      for (const [area, { index, enlarges }] of found.places.entries()) {
        counts[area]![index]!++;
        if (enlarges) enlarged[area]!++;
      }
    },
    areas: () =>
      SIDES.map((side, area) => ({
        side,
        enlarged: enlarged[area]!,
        buckets: tables[area]!.sizes.map((size, i) => ({ ...size, images: counts[area]![i]! })).filter(
          ({ images }) => images > 0,
        ),
      })),
    shapes: () => ({
      shapes: SHAPES,
      areas: [0, ...SIDES].map((side, area) => ({
        side,
        images: [...cells.subarray(area * SHAPES.length, (area + 1) * SHAPES.length)],
      })),
    }),
  };
}
