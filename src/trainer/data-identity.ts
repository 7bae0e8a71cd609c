/** @file Whether the data set of a run that goes on is the one that it began with. */

import { createHash } from "node:crypto";
import type { DataSet } from "../data/sets/index.ts";
import type { Finding } from "../sampling/finding.ts";

export type DataIdentity = {
  readonly pictures: number;
  /**
   * Of all that the order and the texts of batches depend on: the data sets' options, folders' paths apart, and pictures by name, their sizes,
   * repeats and captions.
   */
  readonly digest: string;
};

export function dataIdentity({ config, items }: Pick<DataSet, "config" | "items">): DataIdentity {
  const hash = createHash("sha256");
  for (const { subsets, ...options } of config.datasets) {
    const ofSubsets = subsets.map(({ imageDir: _, metadataFile: __, ...rest }) => rest);
    hash.update(`${JSON.stringify([options, ofSubsets])}\n`);
  }
  for (const { image, bucket, dataset } of items) {
    const { key, width, height, repeats, caption } = image;
    hash.update(`${JSON.stringify([key, width, height, repeats, caption, bucket.width, bucket.height, dataset])}\n`);
  }
  const pictures = new Set(items.map(({ image }) => image.key)).size;
  return { pictures, digest: hash.digest("hex").slice(0, 16) };
}

/** @param before what the checkpoint keeps */
export function changedDataFinding(before: DataIdentity | undefined, now: DataIdentity): Finding[] {
  if (!before || before.digest === now.digest) return [];
  const count = before.pictures === now.pictures ? `${now.pictures}` : `${before.pictures} then, ${now.pictures} now`;
  const finding: Finding = {
    level: "warning",
    code: "data_changed",
    message: `the data set has changed since the checkpoint (pictures: ${count}): names, sizes, repeats, captions or options differ`,
    hint: "The run goes on with what is there now, in another order than it would have had. Bring the old set back for the same result, or begin anew with --restart.",
  };
  return [finding];
}
