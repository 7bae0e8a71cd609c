/** @file One example of a step: its text, its view of the image, its pixels and what SDXL is told about its size. */

import type { Seed } from "../../base/random/seed.ts";
import type { Size } from "./buckets.ts";
import { drawCaption } from "./captions.ts";
import { type DecodedImage, decodeImage, type Kernel } from "./decode.ts";
import { drawsOf } from "./draws.ts";
import type { DataItem } from "./items.ts";
import type { SubsetOptions } from "./options.ts";

/** A place in a batch. The repeats of an item are told apart, since each has draws of its own. */
export type Example = { readonly item: DataItem; readonly repeat: number };

/** What all draws depend on besides the example itself. */
export type Moment = {
  readonly seed: Seed;
  /** Counted from 0. */
  readonly epoch: number;
};

/** The part of the resized image that is trained on. */
export type View = {
  readonly left: number;
  readonly top: number;
  /** Left and right exchanged. */
  readonly flipped: boolean;
};

/** SDXL's size conditioning, pixels: the time ids are these six in this order. Podell et al. (2023), sections 2.2 and 2.3. */
export type SizeConditioning = {
  readonly originalHeight: number;
  readonly originalWidth: number;
  readonly cropTop: number;
  readonly cropLeft: number;
  readonly targetHeight: number;
  readonly targetWidth: number;
};

export type LoadedImage = DecodedImage & { readonly view: View; readonly sizes: SizeConditioning };

/** The text of an example. */
export function captionFor({ item, repeat }: Example, { seed, epoch }: Moment): string {
  const { key, caption, subset } = item.image;
  return drawCaption(caption, subset, epoch, drawsOf(seed, "caption", key, epoch, repeat));
}

/** The view of an example: in the middle, as the picture is, unless its subset asks for random ones. */
export function viewFor({ item, repeat }: Example, { seed, epoch }: Moment): View {
  const { bucket, resized, image } = item;
  const { flipAug, randomCrop } = image.subset;
  const spare = { width: resized.width - bucket.width, height: resized.height - bucket.height };
  const middle = { left: Math.floor(spare.width / 2), top: Math.floor(spare.height / 2), flipped: false };
  if (!flipAug && !randomCrop) return middle;
  const draws = drawsOf(seed, "view", image.key, epoch, repeat);
  const flipped = draws.next() < 0.5 && flipAug;
  if (!randomCrop) return { ...middle, flipped };
  return { left: draws.below(spare.width + 1), top: draws.below(spare.height + 1), flipped };
}

/**
 * What SDXL is told: the file's own size, what was really cut off above and on the left of the resized picture, as it is seen after
 * a flip, and the bucket. sd-scripts tells the same sizes, but its crop is that of a picture fitted inside the bucket, so left and
 * top are exchanged there.
 */
export function sizesOf({ image, bucket, resized }: DataItem, { left, top, flipped }: View): SizeConditioning {
  return {
    originalHeight: image.height,
    originalWidth: image.width,
    cropTop: top,
    cropLeft: flipped ? resized.width - bucket.width - left : left,
    targetHeight: bucket.height,
    targetWidth: bucket.width,
  };
}

/**
 * The pixels of an example, as its view has them.
 *
 * @throws IllustriousError `missing_file`; `bad_file`, naming the file
 */
export async function loadImage(example: Example, moment: Moment): Promise<LoadedImage> {
  const { item } = example;
  const view = viewFor(example, moment);
  const kernel = KERNELS[item.image.subset.resizeInterpolation];
  const size: Size = { width: item.bucket.width, height: item.bucket.height };
  const decoded = await decodeImage(item.image.path, { ...view, resized: item.resized, size, kernel });
  return { ...decoded, view, sizes: sizesOf(item, view) };
}

const KERNELS: Readonly<Record<SubsetOptions["resizeInterpolation"], Kernel>> = {
  lanczos: "lanczos3",
  cubic: "cubic",
  bicubic: "cubic",
  linear: "linear",
  bilinear: "linear",
  nearest: "nearest",
};
