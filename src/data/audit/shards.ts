/** @file An audit's rows as Parquet files of so many images each, which appear whole. */

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { IllustriousError } from "../../base/error.ts";
import { writeFileAtomic } from "../../formats/atomic-write.ts";
import { encodeParquet, readParquet } from "../../formats/parquet.ts";
import { type AuditRow, columnsOf, FIELDS, toTable } from "./row.ts";

const NAME = /^rows-(\d{5,})\.parquet$/;

export function shardPath(folder: string, number: number): string {
  return join(folder, `rows-${String(number).padStart(5, "0")}.parquet`);
}

/** Names of what is in a folder; none where there is no folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}

/** Numbers of the shards in a folder, rising; none where there is no folder. */
export async function shardNumbers(folder: string): Promise<number[]> {
  const names = await namesIn(folder);
  return names
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * Writes a shard, unless it is there already with these rows.
 *
 * @param workingSide of the measures, which is told in the file
 * @returns its path
 * @throws IllustriousError `write_failed`
 */
export async function writeShard(
  folder: string,
  number: number,
  rows: readonly AuditRow[],
  workingSide: number,
): Promise<string> {
  const path = shardPath(folder, number);
  const before = await readShard(path).catch((error: unknown) => {
    // None, or a damaged one, is written anew.
    if (error instanceof IllustriousError) return undefined;
    throw error;
  });
  if (!isDeepStrictEqual(before, rows)) await writeRows(path, rows, workingSide);
  return path;
}

/** Shards that a set which was larger in a run before has left. */
export async function removeLeftovers(folder: string, shards: number): Promise<void> {
  for (const number of await shardNumbers(folder)) if (number >= shards) await rm(shardPath(folder, number));
}

/** Rows that are no shard yet. @throws IllustriousError `write_failed` */
export async function writeRows(path: string, rows: readonly AuditRow[], workingSide: number): Promise<void> {
  const metadata = { "illustrious.audit": JSON.stringify({ version: 1, workingSide }) };
  await writeFileAtomic(path, encodeParquet(columnsOf(), rows.map(toTable), metadata));
}

/** @throws IllustriousError `bad_file`; `missing_file` */
export async function readShard(path: string): Promise<AuditRow[]> {
  return readFields(path, FIELDS);
}

/** Some fields of each row. Errors as `readShard`. */
export async function readFields<Field extends keyof AuditRow>(
  path: string,
  fields: readonly Field[],
): Promise<Pick<AuditRow, Field>[]> {
  return (await readParquet(path, columnsOf(fields), fields)) as Pick<AuditRow, Field>[];
}
