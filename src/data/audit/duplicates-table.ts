/** @file The groups of near-duplicates of an audit as a table of their own, beside its rows. */

import { join } from "node:path";
import { writeFileAtomic } from "../../formats/atomic-write.ts";
import { encodeParquet, type ParquetColumn } from "../../formats/parquet.ts";
import { type Fingerprints, groupsOf, hammingDistance } from "./near-duplicates.ts";
import { readFields, shardNumbers, shardPath } from "./shards.ts";

export const DUPLICATES_FILE = "near-duplicates.parquet";

const COLUMNS: readonly ParquetColumn[] = [
  /** `id` of a row. */
  { name: "id", type: "int32" },
  /** `id` of the group's first image, which names the group. */
  { name: "group", type: "int32" },
  /** Bits between the perceptual hashes of the two; none where one of them has no hash. */
  { name: "distance", type: "int32" },
  /** Whether both are the same bytes. */
  { name: "same_file", type: "boolean" },
];

export type DuplicateCounts = {
  readonly groups: number;
  /** Images in groups, first ones among them. */
  readonly grouped: number;
};

/**
 * Writes the table: a row for each image in a group of two and more, in the order of `id`.
 *
 * @param count images in the folder's shards, whose ids are 0 to `count - 1`
 * @param distance bits that the hashes of near-duplicates may differ in
 * @throws IllustriousError `bad_file` for a damaged shard; `write_failed`
 */
export async function writeDuplicates(folder: string, count: number, distance: number): Promise<DuplicateCounts> {
  const prints = await fingerprintsIn(folder, count);
  const groups = groupsOf(prints, distance);
  const shared = new Uint8Array(count);
  for (const [id, group] of groups.entries()) if (group !== id) shared[group] = shared[id] = 1;
  const ids = [...groups.keys()].filter((id) => shared[id] === 1);
  const rows = ids.map((id) => {
    const group = groups[id]!;
    const hashed = prints.hasPerceptual[id] === 1 && prints.hasPerceptual[group] === 1;
    return {
      id,
      group,
      distance: hashed ? hammingDistance(prints.perceptual[id]!, prints.perceptual[group]!) : null,
      same_file:
        prints.hasContent[id] === 1 && prints.hasContent[group] === 1 && prints.content[id] === prints.content[group],
    };
  });
  await writeFileAtomic(join(folder, DUPLICATES_FILE), encodeParquet(COLUMNS, rows));
  return { groups: ids.filter((id) => groups[id] === id).length, grouped: ids.length };
}

async function fingerprintsIn(folder: string, count: number): Promise<Fingerprints> {
  const prints = {
    perceptual: new BigUint64Array(count),
    hasPerceptual: new Uint8Array(count),
    content: new BigUint64Array(count),
    hasContent: new Uint8Array(count),
  };
  for (const number of await shardNumbers(folder)) {
    for (const { id, sha256, dhash } of await readFields(shardPath(folder, number), ["id", "sha256", "dhash"])) {
      prints.hasPerceptual[id] = dhash === null ? 0 : 1;
      prints.perceptual[id] = dhash ?? 0n;
      prints.hasContent[id] = sha256 === null ? 0 : 1;
      // 64 of 256 bits: of ten million files two agree by chance once in 370,000 sets.
      prints.content[id] = sha256 === null ? 0n : BigInt(`0x${sha256.slice(0, 16)}`);
    }
  }
  return prints;
}
