/**
 * @file Aspect-ratio buckets: which size a picture is trained at. The tables and the choice are those of sd-scripts
 * (kohya), for an area of any size; or the list that SDXL itself was trained with.
 */

import { IllustriousError } from "../../base/error.ts";
import { SDXL_SIZES } from "./sdxl-sizes.ts";

/** Pixels. */
export type Size = { readonly width: number; readonly height: number };

/** What SDXL's size conditioning was trained with. */
const SMALLEST_SIDE = 64;
const LARGEST_SIDE = 2048;

export type BucketOptions = {
  /** The area to fill, given as the sides of one picture of it. */
  readonly resolution: Size;
  /** One bucket alone, of exactly `resolution`, when false. */
  readonly enabled: boolean;
  /** Pictures are made smaller at need and never larger; their buckets then follow from their own sizes, not from a table. */
  readonly noUpscale: boolean;
  /** Sides are multiples of this. */
  readonly steps: number;
  /**
   * Bounds of a side, rounded outwards to `steps`. By default half and twice the sides: 256 and 1024 for 512, which are sd-scripts'
   * defaults for every resolution, although they leave 1024 no bucket of its area but the square.
   */
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly list: "computed" | "sdxl";
};

/** The buckets of one area. */
export type BucketTable = {
  readonly resolution: Size;
  /** Sorted by width, then height; without members when buckets follow from the pictures. */
  readonly sizes: readonly Size[];
  readonly noUpscale: boolean;
  readonly steps: number;
};

/** Where a picture goes: resized to `resized`, of which `bucket` is cut out. */
export type Placement = { readonly bucket: Size; readonly resized: Size };

/** @throws IllustriousError `bad_option` for bounds that leave no room for the area */
export function bucketTable(options: BucketOptions): BucketTable {
  const { resolution, enabled, noUpscale, steps, list } = options;
  const name = nameOf(resolution);
  const outside = [resolution.width, resolution.height].find((side) => side < SMALLEST_SIDE || side > LARGEST_SIDE);
  if (outside !== undefined) {
    throw new IllustriousError("bad_option", `resolution ${name}`, "Sides are from 64 to 2048 pixels.");
  }
  if (!enabled) {
    if (resolution.width % 8 === 0 && resolution.height % 8 === 0) {
      return { resolution, sizes: [resolution], noUpscale: false, steps: 8 };
    }
    throw new IllustriousError("bad_option", `resolution ${name}`, "Sides of latent pictures are multiples of 8.");
  }
  if (steps % 8 !== 0 || steps < 8) {
    throw new IllustriousError("bad_option", `bucket_reso_steps ${steps}`, "Steps are multiples of 8, usually 64.");
  }
  if (list === "sdxl") {
    if (resolution.width * resolution.height === 1024 ** 2)
      return { resolution, sizes: SDXL_SIZES, noUpscale: false, steps: 64 };
    const hint = 'Give `resolution = 1024`, or leave `bucket_list = "sdxl"` out.';
    throw new IllustriousError("bad_option", `SDXL's list of sizes with resolution ${name}`, hint);
  }
  if (noUpscale) return { resolution, sizes: [], noUpscale, steps };
  return { resolution, sizes: bucketSizes(resolution, steps, boundsOf(options)), noUpscale, steps };
}

/**
 * All sizes with sides from `min` to `max` in `steps` that fill the area as well as one side allows, in both orientations, and
 * the largest square; sorted by width, then height.
 */
export function bucketSizes(resolution: Size, steps: number, { min, max }: { min: number; max: number }): Size[] {
  const area = resolution.width * resolution.height;
  const square = Math.floor(Math.sqrt(area) / steps) * steps;
  const found = new Map<string, Size>();
  const add = (width: number, height: number) => found.set(`${width}x${height}`, { width, height });
  add(square, square);
  for (let width = min; width <= max; width += steps) {
    const height = Math.min(max, Math.floor(Math.floor(area / width) / steps) * steps);
    if (height < min) continue;
    add(width, height);
    add(height, width);
  }
  return [...found.values()].sort((a, b) => a.width - b.width || a.height - b.height);
}

/** The bucket of a picture, or `undefined` for one too small for any: a side of its bucket would be below 64 pixels. */
export function placementOf(image: Size, table: BucketTable): Placement | undefined {
  return table.noUpscale ? placeByItsOwnSize(image, table) : placeInTable(image, table.sizes);
}

/** How many times larger the picture is drawn than it is; above 1 it is blurred. */
export const scaleOf = (image: Size, { resized }: Placement): number =>
  Math.max(resized.width / image.width, resized.height / image.height);

export const nameOf = ({ width, height }: Size): string => `${width}x${height}`;

/** The size with the nearest width / height, of equally near ones the first; the picture covers it. */
function placeInTable(image: Size, sizes: readonly Size[]): Placement {
  const aspect = aspectOf(image);
  let bucket = sizes.find((size) => size.width === image.width && size.height === image.height);
  if (bucket === undefined) {
    bucket = sizes[0]!;
    for (const size of sizes) {
      if (Math.abs(aspectOf(size) - aspect) < Math.abs(aspectOf(bucket) - aspect)) bucket = size;
    }
  }
  const scale = aspect > aspectOf(bucket) ? bucket.height / image.height : bucket.width / image.width;
  return { bucket, resized: { width: round(image.width * scale), height: round(image.height * scale) } };
}

/** A picture above the area is shrunk so that its width or its height becomes a multiple of `steps`, whichever bends it less. */
function placeByItsOwnSize(image: Size, { resolution, steps }: BucketTable): Placement | undefined {
  const area = resolution.width * resolution.height;
  let resized = image;
  if (image.width * image.height > area) {
    const aspect = aspectOf(image);
    const toSteps = (side: number) => round(side) - (round(side) % steps);
    const width = toSteps(Math.sqrt(area * aspect));
    const height = toSteps(area / Math.sqrt(area * aspect));
    const bentByWidth = Math.abs(width / toSteps(width / aspect) - aspect);
    const bentByHeight = Math.abs(toSteps(height * aspect) / height - aspect);
    const widthLeads = bentByWidth < bentByHeight;
    resized = widthLeads ? { width, height: round(width / aspect) } : { width: round(height * aspect), height };
  }
  const cut = (side: number) => {
    const within = Math.min(side, LARGEST_SIDE);
    return within - (within % steps);
  };
  const bucket = { width: cut(resized.width), height: cut(resized.height) };
  return Math.min(bucket.width, bucket.height) < SMALLEST_SIDE ? undefined : { bucket, resized };
}

/**
 * Bounds of a side in whole steps: those asked for, or half and twice the sides.
 *
 * @throws IllustriousError `bad_option` for bounds that leave no room for the area
 */
export function boundsOf({
  resolution,
  steps,
  min,
  max,
}: Pick<BucketOptions, "resolution" | "steps" | "min" | "max">): { min: number; max: number } {
  const short = Math.min(resolution.width, resolution.height);
  const long = Math.max(resolution.width, resolution.height);
  const least = Math.ceil(SMALLEST_SIDE / steps) * steps;
  const most = Math.floor(LARGEST_SIDE / steps) * steps;
  const lower = min ?? Math.max(least, short / 2);
  const upper = max ?? Math.min(most, long * 2);
  const bounds = { min: Math.floor(lower / steps) * steps, max: Math.ceil(upper / steps) * steps };
  if (bounds.min >= SMALLEST_SIDE && bounds.min <= short && bounds.max >= long && bounds.max <= LARGEST_SIDE)
    return bounds;
  const hint =
    "min_bucket_reso is at least 64 and no more than the shorter side, max_bucket_reso from the longer one to 2048.";
  const message = `buckets from ${bounds.min} to ${bounds.max} pixels a side for resolution ${nameOf(resolution)}`;
  throw new IllustriousError("bad_option", message, hint);
}

const aspectOf = ({ width, height }: Size): number => width / height;

const round = (value: number): number => Math.floor(value + 0.5);
