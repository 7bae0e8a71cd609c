/** @file Rows of images that an earlier row names already, as two lines of a metadata file may: found in eight bytes a row, however many there are. */

import { pathDigest } from "../../data/audit/index.ts";

export type Sources = {
  add(source: string): void;
  /** For a walk over the rows that were added, in the same order: whether one before it had the same source. */
  walk(): (source: string) => boolean;
};

export function sources(): Sources {
  let digests = new Float64Array(2 ** 10);
  let count = 0;
  let shared: ReadonlySet<number> | undefined;

  function findShared(): ReadonlySet<number> {
    const sorted = digests.subarray(0, count).sort();
    const found = new Set<number>();
    for (let i = 1; i < count; i++) if (sorted[i] === sorted[i - 1]) found.add(sorted[i]!);
    digests = new Float64Array(0);
    return found;
  }

  return {
    add(source) {
      if (count === digests.length) {
        const larger = new Float64Array(2 * count);
        larger.set(digests);
        digests = larger;
      }
      digests[count++] = pathDigest(source);
    },
    walk() {
      shared ??= findShared();
      const met = new Set<string>();
      return (source) => {
        // Where two paths share one, the paths themselves decide.
        if (!shared!.has(pathDigest(source))) return false;
        const isBefore = met.has(source);
        met.add(source);
        return isBefore;
      };
    },
  };
}
