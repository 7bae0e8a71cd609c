import fc from "fast-check";
import { expect, test } from "vitest";
import { type BucketOptions, bucketSizes, bucketTable, nameOf, placementOf, type Size } from "./buckets.ts";
import { SDXL_SIZES } from "./sdxl-sizes.ts";

const square = (side: number): Size => ({ width: side, height: side });
const computed = {
  enabled: true,
  noUpscale: false,
  steps: 64,
  min: undefined,
  max: undefined,
  list: "computed",
} as const;
const tableOf = (options: Partial<BucketOptions> & { resolution: Size }) => bucketTable({ ...computed, ...options });
const names = (sizes: readonly Size[]) => sizes.map(nameOf).join(" ");

/** Each long side by division: 128 * 128 / width, cut to a multiple of 16. */
test("the table of 128 x 128 in steps of 16, from 64 to 256", () => {
  expect(names(bucketSizes(square(128), 16, { min: 64, max: 256 }))).toBe(
    "64x208 64x224 64x240 64x256 80x176 80x192 96x160 112x144 128x128 " +
      "144x112 160x96 176x80 192x80 208x64 224x64 240x64 256x64",
  );
});

test("the table of 1024 x 1024 from 512 to 2048", () => {
  expect(names(bucketSizes(square(1024), 64, { min: 512, max: 2048 }))).toBe(
    "512x1856 512x1920 512x1984 512x2048 576x1664 576x1728 576x1792 640x1536 640x1600 704x1408 704x1472 768x1280 768x1344 " +
      "832x1216 896x1152 960x1088 1024x1024 1088x960 1152x896 1216x832 1280x768 1344x768 1408x704 1472x704 1536x640 " +
      "1600x640 1664x576 1728x576 1792x576 1856x512 1920x512 1984x512 2048x512",
  );
});

/** The area is 512 x 768, so the square is the one of 627 pixels cut to 576. */
test("the area of an oblong resolution, cut off at the largest side", () => {
  expect(names(bucketSizes({ width: 512, height: 768 }, 64, { min: 256, max: 1024 }))).toBe(
    "256x1024 320x1024 384x896 384x960 384x1024 448x832 512x704 512x768 576x576 576x640 640x576 704x512 768x512 832x448 " +
      "896x384 960x384 1024x256 1024x320 1024x384",
  );
});

const steps = fc.constantFrom(8, 16, 32, 64);
const side = fc.integer({ min: 16, max: 5000 });
const image = fc.record({ width: side, height: side });
const area = fc.constantFrom(128, 256, 512, 1024).map(square);

test.each([128, 256, 512, 1024])("every bucket of %i fills its area as far as steps and bounds allow", (resolution) => {
  const [min, max, limit] = [resolution / 2, resolution * 2, resolution ** 2];
  for (const step of [8, 16, 32, 64]) {
    const { sizes } = tableOf({ resolution: square(resolution), steps: step, min, max });
    const known = new Set(sizes.map(nameOf));
    const wrong = sizes.filter(({ width, height }) => {
      const [short, long] = [Math.min(width, height), Math.max(width, height)];
      const longer = short * (long + step) <= limit && long + step <= max;
      const inside = short >= min && long <= max && width * height <= limit && (width % step) + (height % step) === 0;
      const wider = (short + step) * long <= limit && short + step <= long;
      return (longer && wider) || !inside || !known.has(`${height}x${width}`);
    });
    expect(wrong).toEqual([]);
    // Both orientations of every short side from the least to the square.
    expect(new Set(sizes.map(({ width, height }) => Math.min(width, height))).size).toBe((resolution - min) / step + 1);
  }
});

test("a picture goes to the bucket of nearest aspect, covers it, and keeps its own aspect", () => {
  fc.assert(
    fc.property(image, area, steps, (picture, resolution, step) => {
      const table = tableOf({ resolution, steps: step });
      const { bucket, resized } = placementOf(picture, table)!;
      const error = (size: Size) => Math.abs(size.width / size.height - picture.width / picture.height);
      if (nameOf(bucket) !== nameOf(picture)) expect(error(bucket)).toBe(Math.min(...table.sizes.map(error)));
      expect(resized.width).toBeGreaterThanOrEqual(bucket.width);
      expect(resized.height).toBeGreaterThanOrEqual(bucket.height);
      expect(resized.width === bucket.width || resized.height === bucket.height).toBe(true);
      // The free side is rounded to a pixel, once.
      const offByWidth = Math.abs(resized.height - (picture.height * bucket.width) / picture.width);
      const offByHeight = Math.abs(resized.width - (picture.width * bucket.height) / picture.height);
      expect(resized.width === bucket.width ? offByWidth : 1).toSatisfy(
        (off) => off <= 0.5 + 1e-9 || offByHeight <= 0.5 + 1e-9,
      );
    }),
    { numRuns: 300 },
  );
});

/** 1920 x 1080: the aspect is 1.778; 1344 x 768 is 1.75, 1408 x 704 is 2. Its height leads: 768 / 1080 * 1920 = 1365.3. */
test("a wide picture by hand", () => {
  const table = tableOf({ resolution: square(1024), min: 512, max: 2048 });
  expect(placementOf({ width: 1920, height: 1080 }, table)).toEqual({
    bucket: { width: 1344, height: 768 },
    resized: { width: 1365, height: 768 },
  });
});

test("without enlarging, no picture grows and its bucket follows from itself", () => {
  fc.assert(
    fc.property(image, area, steps, (picture, resolution, step) => {
      const placement = placementOf(picture, tableOf({ resolution, steps: step, noUpscale: true }));
      if (placement === undefined) return;
      const { bucket, resized } = placement;
      expect(resized.width).toBeLessThanOrEqual(picture.width);
      expect(resized.height).toBeLessThanOrEqual(picture.height);
      for (const [whole, cut] of [
        [resized.width, bucket.width],
        [resized.height, bucket.height],
      ] as const) {
        expect(cut % step).toBe(0);
        expect(cut).toBe(Math.floor(Math.min(whole, 2048) / step) * step);
      }
      if (picture.width * picture.height <= resolution.width ** 2) expect(resized).toEqual(picture);
    }),
    { numRuns: 300 },
  );
});

/**
 * 2000 x 1000 to an area of 1024^2: 1448.2 x 724.1. By its width 1408 the height would be 704, which is exactly 2:1; the height 704
 * gives the same, and of equals the height leads.
 */
test("a large picture without enlarging, by hand", () => {
  const table = tableOf({ resolution: square(1024), noUpscale: true });
  const both = { width: 1408, height: 704 };
  expect(placementOf({ width: 2000, height: 1000 }, table)).toEqual({ bucket: both, resized: both });
  expect(placementOf({ width: 600, height: 333 }, table)).toEqual({
    bucket: { width: 576, height: 320 },
    resized: { width: 600, height: 333 },
  });
  expect(placementOf({ width: 600, height: 63 }, table)).toBeUndefined();
});

test("one bucket alone when they are off", () => {
  const table = tableOf({ resolution: { width: 512, height: 768 }, enabled: false });
  expect(placementOf({ width: 1000, height: 1000 }, table)).toEqual({
    bucket: { width: 512, height: 768 },
    resized: { width: 768, height: 768 },
  });
});

test("SDXL's own list has its 40 sizes of about a megapixel, in steps of 64", () => {
  expect(SDXL_SIZES.length).toBe(40);
  expect(new Set(SDXL_SIZES.map(nameOf)).size).toBe(40);
  for (const { width, height } of SDXL_SIZES) {
    expect([width % 64, height % 64]).toEqual([0, 0]);
    // 704 x 1344 is the smallest, 512 x 2048 and 1024 x 1024 the largest.
    expect(width * height).toBeGreaterThanOrEqual(704 * 1344);
    expect(width * height).toBeLessThanOrEqual(1024 * 1024);
  }
  expect(tableOf({ resolution: square(1024), list: "sdxl" }).sizes).toBe(SDXL_SIZES);
});

test.each([
  [{ resolution: square(1024), max: 512 }, "buckets from 512 to 512 pixels a side for resolution 1024x1024"],
  [{ resolution: square(128), min: 256 }, "buckets from 256 to 256 pixels a side for resolution 128x128"],
  [{ resolution: square(4096) }, "resolution 4096x4096"],
  [{ resolution: square(256), steps: 12 }, "bucket_reso_steps 12"],
  [{ resolution: square(512), list: "sdxl" as const }, "SDXL's list of sizes with resolution 512x512"],
  [{ resolution: { width: 100, height: 100 }, enabled: false }, "resolution 100x100"],
])("impossible buckets are refused: %j", (options, message) => {
  expect(() => tableOf(options)).toThrow(expect.objectContaining({ code: "bad_option", message }));
});

test("bounds that nobody gave fit the area", () => {
  const spread = (resolution: Size, step = 64) => {
    const { sizes } = tableOf({ resolution, steps: step });
    return [Math.min(...sizes.map(({ width }) => width)), Math.max(...sizes.map(({ width }) => width))];
  };
  expect(spread(square(1024))).toEqual([512, 2048]);
  expect(spread(square(512))).toEqual([256, 1024]);
  expect(spread(square(128), 16)).toEqual([64, 256]);
  expect(spread(square(1536))).toEqual([768, 2048]);
});
