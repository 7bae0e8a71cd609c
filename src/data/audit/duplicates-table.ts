/** @file The groups of near-duplicates of an audit as a table of their own, beside its rows. */

import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { writeFileAtomic } from "../../formats/atomic-write.ts";
import { type ParquetColumn, type ParquetRow, parquetPieces } from "../../formats/parquet.ts";
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

/** Rows that are held at once. */
const ROW_GROUP = 2 ** 16;

/**
 * Writes the table: a row for each image in a group of two and more, in the order of `id`. Yields the share of the search that is done,
 * 0 to 1.
 *
 * @param count images in the folder's shards, whose ids are 0 to `count - 1`
 * @param distance bits that the hashes of near-duplicates may differ in
 * @throws IllustriousError `bad_file` for a damaged shard; `write_failed`
 */
export async function* writeDuplicates(
  folder: string,
  count: number,
  distance: number,
): AsyncGenerator<number, DuplicateCounts> {
  const prints = await fingerprintsIn(folder, count);
  const search = groupsOf(prints, distance);
  let step = search.next();
  for (; !step.done; step = search.next()) {
    yield step.value;
    // Timers, signals and whoever asks over a net have their turn.
    await turn();
  }
  const groups = step.value;
  const shared = new Uint8Array(count);
  for (let id = 0; id < count; id++) if (groups[id] !== id) shared[groups[id]!] = shared[id] = 1;
  const counts = { groups: 0, grouped: 0 };
  for (let id = 0; id < count; id++) {
    counts.groups += shared[id] === 1 && groups[id] === id ? 1 : 0;
    counts.grouped += shared[id]!;
  }
  await writeFileAtomic(join(folder, DUPLICATES_FILE), async ({ write }) => {
    for (const piece of parquetPieces(COLUMNS, rowGroups(prints, groups, shared))) await write(piece);
  });
  return counts;
}

/** @param shared 1 where an image is not alone */
function* rowGroups(prints: Fingerprints, groups: Uint32Array, shared: Uint8Array): Generator<ParquetRow[], void> {
  const { perceptual, hasPerceptual, content, hasContent } = prints;
  let rows: ParquetRow[] = [];
  for (let id = 0; id < groups.length; id++) {
    if (shared[id] === 0) continue;
    const group = groups[id]!;
    const hashed = hasPerceptual[id] === 1 && hasPerceptual[group] === 1;
    rows.push({
      id,
      group,
      distance: hashed ? hammingDistance(perceptual[id]!, perceptual[group]!) : null,
      same_file: hasContent[id] === 1 && hasContent[group] === 1 && content[id] === content[group],
    });
    if (rows.length < ROW_GROUP) continue;
    yield rows;
    rows = [];
  }
  if (rows.length > 0) yield rows;
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
