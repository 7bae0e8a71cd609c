/**
 * @file Rows of earlier runs, found by the file that they are of: what has not changed is not decoded again. In memory are a
 * row's place and the few shards that were read last; a set that is gone through in its order asks for each shard once.
 */

import { mkdir, rename } from "node:fs/promises";
import { IllustriousError } from "../../base/error.ts";
import { isOfTheDisk } from "../../formats/regular-file.ts";
import { placeIndex } from "../place-index.ts";
import type { AuditFault, AuditRow, ImageOrigin } from "./row.ts";
import { readFields, readShard, shardNumbers, shardPath } from "./shards.ts";

type Key = Pick<ImageOrigin, "source" | "member" | "memberNumber" | "bytes" | "mtimeMs">;

export type KnownRows = {
  readonly count: number;
  /** Shards that are damaged, and count as not there. */
  readonly unreadable: readonly string[];
  /**
   * The row of the same file, or member of an archive, of the same size and time. None for a file that was not there or could
   * not be read, crashed the decoder or took too long, since that may have been the machine's fault.
   */
  find(key: Key): Promise<AuditRow | undefined>;
  /** To be called before a shard of these rows takes the place of what is at `path`: what it does not have stays to be found. */
  replace(path: string, rows: readonly AuditRow[]): Promise<void>;
};

/** A row's place is its shard's number times this, and its own in it: more than any shard has. */
const SHARD = 2 ** 32;

/** Shards held, decoded. */
const MOST_HELD = 4;

const KEY_FIELDS = ["source", "member", "memberNumber", "bytes", "mtimeMs"] as const;

/**
 * @param given paths of shards; of rows that are in two, those of the first count
 * @param aside folder for shards in whose place others come
 */
export async function openKnownRows(given: readonly string[], aside: string): Promise<KnownRows> {
  const shards = [...given];
  const index = placeIndex();
  const unreadable: string[] = [];
  let count = 0;
  for (const [shard, path] of shards.entries()) {
    const rows = await readFields(path, KEY_FIELDS).catch((error: unknown) => {
      if (!(error instanceof IllustriousError) || isOfTheDisk(error)) throw error;
      unreadable.push(path);
      return [];
    });
    // What was no file is not asked for; and all such rows of one list have one key.
    for (const [row, key] of rows.entries()) if (key.bytes !== null) index.set(textOf(key), shard * SHARD + row);
    count += rows.length;
  }
  const held = new Map<number, Promise<AuditRow[]>>();
  /** Number of the next shard aside. */
  let free: number | undefined;

  function rowsOf(shard: number): Promise<AuditRow[]> {
    // A shard that has been written anew meanwhile may have become shorter, and a chunk's answer taken away; nothing of it fits then.
    const rows = held.get(shard) ?? readShard(shards[shard]!).catch(noneIfGone);
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
      for (const place of index.at(textOf(key))) {
        const found = (await rowsOf(Math.floor(place / SHARD)))[place % SHARD];
        if (found && KEY_FIELDS.every((field) => found[field] === key[field]) && isSettled(found)) return found;
      }
      return undefined;
    },
    async replace(path, rows) {
      const shard = shards.indexOf(path);
      if (shard === -1) return;
      const own = new Set(rows.map(textOf));
      const old = await readFields(path, KEY_FIELDS).catch(noneIfDamaged);
      if (old.every((key) => key.bytes === null || own.has(textOf(key)))) return;
      if (free === undefined) {
        await mkdir(aside, { recursive: true });
        free = ((await shardNumbers(aside)).at(-1) ?? -1) + 1;
      }
      const to = shardPath(aside, free++);
      await rename(path, to);
      shards[shard] = to;
    },
  };
}

function noneIfDamaged(error: unknown): [] {
  if (error instanceof IllustriousError && !isOfTheDisk(error)) return [];
  throw error;
}

function noneIfGone(error: unknown): [] {
  if (error instanceof IllustriousError && error.code === "missing_file") return [];
  throw error;
}

/** Whether nothing but another file would make another row. */
export const isSettled = ({ error }: AuditRow): boolean => error === null || !OF_THE_MACHINE.has(error);

/** That may be another on another machine, or on this one at another time. */
const OF_THE_MACHINE: ReadonlySet<AuditFault> = new Set([
  "missing",
  "unreadable",
  "crashed",
  "time_limit",
  "outside",
  "changed",
]);

function textOf({ source, member, memberNumber, bytes, mtimeMs }: Key): string {
  return [source, member, memberNumber, bytes, mtimeMs].join("\0");
}
