/**
 * @file Rows of earlier runs, found by the file that they are of: what has not changed is not decoded again. In memory are 24 bytes a
 * row and the few shards that were read last; a set that is gone through in its order asks for each shard once.
 */

import { createHash } from "node:crypto";
import { IllustriousError } from "../../base/error.ts";
import type { AuditRow, ImageOrigin } from "./row.ts";
import { readFields, readShard } from "./shards.ts";

type Key = Pick<ImageOrigin, "source" | "member" | "memberNumber" | "bytes" | "mtimeMs">;

export type KnownRows = {
  readonly count: number;
  /** Shards that are damaged, and count as not there. */
  readonly unreadable: readonly string[];
  /**
   * The row of the same file, or member of an archive, of the same size and time. None for a file that crashed the decoder or took
   * too long, since that may have been the machine's fault.
   */
  find(key: Key): Promise<AuditRow | undefined>;
};

/** Shards held, decoded. */
const MOST_HELD = 4;

const KEY_FIELDS = ["source", "member", "memberNumber", "bytes", "mtimeMs"] as const;

/** @param shards paths; of rows that are in two, those of the first count */
export async function openKnownRows(shards: readonly string[]): Promise<KnownRows> {
  const hashes: Uint32Array[] = [];
  const unreadable: string[] = [];
  for (const path of shards) {
    const rows = await readFields(path, KEY_FIELDS).catch((error: unknown) => {
      if (!(error instanceof IllustriousError)) throw error;
      unreadable.push(path);
      return [];
    });
    hashes.push(Uint32Array.from(rows, hashOf));
  }
  const count = hashes.reduce((sum, { length }) => sum + length, 0);
  const table = tableOf(hashes, count);
  const held = new Map<number, Promise<AuditRow[]>>();

  function rowsOf(shard: number): Promise<AuditRow[]> {
    // A shard that has been written anew meanwhile may have become shorter; nothing of it fits then.
    const rows = held.get(shard) ?? readShard(shards[shard]!);
    held.delete(shard);
    held.set(shard, rows);
    if (held.size > MOST_HELD) held.delete(held.keys().next().value!);
    return rows;
  }

  return {
    count,
    unreadable,
    async find(key) {
      if (key.bytes === null) return undefined;
      for (const { shard, row } of table.at(hashOf(key))) {
        const found = (await rowsOf(shard))[row];
        if (found && KEY_FIELDS.every((field) => found[field] === key[field]))
          return isSettled(found) ? found : undefined;
      }
      return undefined;
    },
  };
}

const isSettled = ({ error }: AuditRow) => error !== "crashed" && error !== "time_limit";

function hashOf({ source, member, memberNumber, bytes, mtimeMs }: Key): number {
  const text = [source, member, memberNumber, bytes, mtimeMs].join("\0");
  return createHash("sha1").update(text).digest().readUInt32LE();
}

/** A hash table with linear probing, at most half full. */
function tableOf(hashes: readonly Uint32Array[], count: number) {
  const slots = 2 ** Math.max(1, Math.ceil(Math.log2(2 * count + 2)));
  const hashAt = new Uint32Array(slots);
  const rowAt = new Uint32Array(slots);
  /** From 1; 0 is a free slot. */
  const shardAt = new Uint32Array(slots);
  for (const [shard, rows] of hashes.entries()) {
    for (const [row, hash] of rows.entries()) {
      let slot = hash % slots;
      while (shardAt[slot] !== 0) slot = (slot + 1) % slots;
      hashAt[slot] = hash;
      rowAt[slot] = row;
      shardAt[slot] = shard + 1;
    }
  }
  return {
    *at(hash: number): Generator<{ shard: number; row: number }> {
      for (let slot = hash % slots; shardAt[slot] !== 0; slot = (slot + 1) % slots) {
        if (hashAt[slot] === hash) yield { shard: shardAt[slot]! - 1, row: rowAt[slot]! };
      }
    },
  };
}
