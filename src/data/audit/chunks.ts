/**
 * @file Chunks: the images of one shard each, as a file that whoever measures them reads and a file that it writes. A chunk's name says
 * its number and what is asked of it, so that a result can only be that of its own question, whoever gives it, and however late or often.
 */

import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { writeFileAtomic } from "../../formats/atomic-write.ts";
import { encodeParquet, type ParquetColumn, readParquet } from "../../formats/parquet.ts";
import { type AuditRow, columnsOf, FIELDS, toTable } from "./row.ts";
import type { Sample } from "./samples.ts";
import { namesIn } from "./shards.ts";

export type ChunkImage = {
  /** Without facts, as long as nobody has measured it. */
  readonly row: AuditRow;
  readonly range?: Sample["range"] | undefined;
  /** Whether it is to be measured. */
  readonly open: boolean;
};

export type Chunk = {
  /** Of its shard. */
  readonly number: number;
  readonly name: string;
  readonly images: readonly ChunkImage[];
  /** Images whose rows of an earlier run are kept. */
  readonly kept: number;
  /** Images that were measured when the chunk was made, since nobody else could. */
  readonly measured: number;
  /** Bytes of the set that it goes on by. */
  readonly bytes: number;
};

/** Names of chunks. */
export const CHUNK_NAME = /^\d{5,7}-[0-9a-f]{32}$/;

const ASKED = [
  ...(["id", "source", "member", "memberNumber", "bytes", "mtimeMs", "repeats"] as const),
  ...(["caption", "captionError", "captionFile", "captionLine"] as const),
];

/** By which images, in their order, rows are known: what whoever measures them has to leave as it is. */
export function askedDigest(rows: Iterable<AuditRow>): string {
  const hash = createHash("sha256");
  // As UTF-8, in which half a surrogate pair is what a table makes of it.
  for (const row of rows) for (const field of ASKED) hash.update(`${typeof row[field]} ${row[field]}\0`);
  return hash.digest("hex");
}

/** What is asked. */
const planPath = (folder: string, name: string) => join(folder, `${name}.plan.parquet`);

/** The answer. */
export const chunkRowsPath = (folder: string, name: string) => join(folder, `${name}.rows.parquet`);

/** The answer, out of the reach of those who are late, until it is checked. */
export const chunkTakenPath = (folder: string, name: string) => join(folder, `${name}.taken.parquet`);

/** As much of the answer as there was when someone stopped in the middle. */
export const chunkPartPath = (folder: string, name: string) => join(folder, `${name}.part.parquet`);

/** Whole and part answers that are in a folder of chunks, those that were being looked at among them. */
export async function answersIn(folder: string): Promise<string[]> {
  const names = await namesIn(folder);
  return names
    .filter((name) => /\.(?:rows|part|taken)\.parquet$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** What a plan has beside rows. */
const ASIDE = [
  { name: "range_offset", type: "int64" },
  { name: "range_length", type: "int64" },
  { name: "open", type: "boolean" },
] as const;

const PLAN_COLUMNS: readonly ParquetColumn[] = [...columnsOf(), ...ASIDE];

const PLAN_KEYS = [...FIELDS, ...ASIDE.map(({ name }) => name)];

/** @throws IllustriousError `write_failed` */
export async function writePlan(folder: string, { name, images }: Chunk): Promise<void> {
  const rows = images.map(({ row, range, open }) => ({
    ...toTable(row),
    range_offset: range?.offset ?? null,
    range_length: range?.length ?? null,
    open,
  }));
  await writeFileAtomic(planPath(folder, name), encodeParquet(PLAN_COLUMNS, rows));
}

/**
 * @returns `undefined` when there is no such plan, or none any more
 * @throws IllustriousError `bad_file`
 */
export async function readPlan(folder: string, name: string): Promise<ChunkImage[] | undefined> {
  const rows = await readParquet(planPath(folder, name), PLAN_COLUMNS, PLAN_KEYS).catch((error: unknown) => {
    if (error instanceof IllustriousError && error.code === "missing_file") return undefined;
    throw error;
  });
  if (rows?.some(({ id }, i) => id !== Number(rows[0]!.id) + i)) {
    throw new IllustriousError("bad_file", `${planPath(folder, name)}: images are not numbered one by one`);
  }
  return rows?.map(({ range_offset: offset, range_length: length, open, ...row }) => {
    const range = offset === null ? undefined : { offset: Number(offset), length: Number(length) };
    return { row: row as AuditRow, range, open: open === true };
  });
}

/** What of a chunk is no longer needed when its shard is in its place. */
export async function removeChunk(folder: string, name: string): Promise<void> {
  for (const path of [planPath(folder, name), chunkPartPath(folder, name), chunkTakenPath(folder, name)])
    await rm(path, { force: true });
}
