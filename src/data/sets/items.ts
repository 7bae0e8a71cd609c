/** @file What a data set is made of once it has been scanned: images, each with the sizes that it is trained at. */

import { type BucketTable, nameOf, type Placement, placementOf, type Size, scaleOf } from "./buckets.ts";
import type { DatasetConfig } from "./dataset-config.ts";
import type { SubsetOptions } from "./options.ts";

export type DataImage = Size & {
  /** Its path from the data set's root, with forward slashes: the same on every machine, and what its draws depend on. */
  readonly key: string;
  readonly path: string;
  /** As it is kept, class tokens in its place when there is none; `captionFor` draws the text of an example. */
  readonly caption: string;
  readonly hasAlpha: boolean;
  readonly subset: SubsetOptions;
  /** How often an epoch has it; regularisation images as often as balancing asks for. */
  readonly repeats: number;
};

/** One image at one size. */
export type DataItem = Placement & {
  readonly image: DataImage;
  /** Index of its `[[datasets]]`; batches never mix them. */
  readonly dataset: number;
  /** 1, or `prior_loss_weight` for regularisation images. */
  readonly lossWeight: number;
};

/**
 * The placements of an image in the tables of all areas, smallest area first, without those that would enlarge it, except into
 * the smallest. None for an image too small for any.
 */
export function placementsOf(image: Size, tables: readonly BucketTable[]): Placement[] {
  const found = new Map<string, Placement>();
  for (const table of tables) {
    const placement = placementOf(image, table);
    if (placement === undefined || (found.size > 0 && scaleOf(image, placement) > 1)) continue;
    if (!found.has(nameOf(placement.bucket))) found.set(nameOf(placement.bucket), placement);
  }
  return [...found.values()];
}

/**
 * How often an epoch has each image. Regularisation images are as many as the others, as sd-scripts counts: in their order, each
 * at first as often as its folder says, then once more each in turns, until both numbers are equal. Those that are not reached
 * have 0.
 */
export function balancedRepeats(subsets: readonly SubsetOptions[]): number[] {
  const wanted = subsets.reduce((sum, { isReg, numRepeats }) => sum + (isReg ? 0 : numRepeats), 0);
  const repeats = subsets.map(({ isReg, numRepeats }) => (isReg ? 0 : numRepeats));
  const reg = subsets.flatMap((subset, i) => (subset.isReg && subset.numRepeats > 0 ? [i] : []));
  let have = 0;
  for (const i of reg) {
    if (have >= wanted) break;
    repeats[i] = subsets[i]!.numRepeats;
    have += repeats[i];
  }
  if (reg.length === 0 || have >= wanted) return repeats;
  const each = Math.floor((wanted - have) / reg.length);
  const more = (wanted - have) % reg.length;
  for (const [place, i] of reg.entries()) repeats[i]! += each + (place < more ? 1 : 0);
  return repeats;
}

export function itemsOf(
  images: readonly DataImage[],
  placements: readonly (readonly Placement[])[],
  dataset: number,
  { priorLossWeight }: DatasetConfig,
): DataItem[] {
  return images.flatMap((image, i) =>
    placements[i]!.map((placement) => ({
      ...placement,
      image,
      dataset,
      lossWeight: image.subset.isReg ? priorLossWeight : 1,
    })),
  );
}
