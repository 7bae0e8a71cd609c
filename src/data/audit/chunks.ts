/**
 * @file Chunks: the images of one shard each, as a file that whoever measures them reads and a file that it writes. A chunk's name says
 * its number and what is asked of it, so that a result can only be that of its own question, whoever gives it, and however late or often.
 */

import { createHash } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { writeFileAtomic } from "../../formats/atomic-write.ts";
import { encodeParquet, type ParquetColumn, readParquet } from "../../formats/parquet.ts";
import type { KnownRows } from "./known-rows.ts";
import { type AuditRow, columnsOf, factsOf, fromTable, NO_FACTS, toTable } from "./row.ts";
import type { Sample } from "./samples.ts";

export type ChunkImage = {
  /** Without facts, as long as nobody has measured it. */
  readonly row: AuditRow;
  readonly range?: Sample["range"];
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
  /** Bytes of the set that it goes on by. */
  readonly bytes: number;
};

/**
 * @param size images a chunk
 * @param settings whatever else than the image decides what its row says
 */
export async function* chunksOf(
  samples: AsyncIterable<Sample>,
  known: KnownRows,
  size: number,
  settings: unknown,
): AsyncGenerator<Chunk, void> {
  let images: ChunkImage[] = [];
  let id = 0;
  let kept = 0;
  let before = 0;
  let reached = 0;
  let hash = createHash("sha256");
  const finish = (): Chunk => {
    const number = Math.ceil(id / size) - 1;
    const name = `${String(number).padStart(5, "0")}-${hash.update(JSON.stringify(settings)).digest("hex").slice(0, 32)}`;
    const chunk = { number, name, images, kept, bytes: reached - before };
    images = [];
    kept = 0;
    before = reached;
    hash = createHash("sha256");
    return chunk;
  };
  for await (const sample of samples) {
    const { origin, range, fault } = sample;
    hash.update(JSON.stringify([id, origin, range, fault]));
    const earlier = fault ? undefined : await known.find(origin);
    const facts = fault ? { ...NO_FACTS, ...fault } : earlier ? factsOf(earlier) : NO_FACTS;
    images.push({ row: { id, ...origin, ...facts }, range, open: !fault && !earlier });
    if (earlier) kept++;
    reached = sample.reached;
    if (++id % size === 0) yield finish();
  }
  if (images.length > 0) yield finish();
}

/** What is asked. */
const planPath = (folder: string, name: string) => join(folder, `${name}.plan.parquet`);

/** The answer. */
export const chunkRowsPath = (folder: string, name: string) => join(folder, `${name}.rows.parquet`);

/** As much of the answer as there was when someone stopped in the middle. */
export const chunkPartPath = (folder: string, name: string) => join(folder, `${name}.part.parquet`);

/** Whole and part answers that are in a folder of chunks. */
export async function answersIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names
    .filter((name) => /\.(?:rows|part)\.parquet$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

const PLAN_COLUMNS: readonly ParquetColumn[] = [
  ...columnsOf(),
  { name: "range_offset", type: "int64" },
  { name: "range_length", type: "int64" },
  { name: "open", type: "boolean" },
];

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
  const rows = await readParquet(planPath(folder, name), PLAN_COLUMNS).catch((error: unknown) => {
    if (error instanceof IllustriousError && error.code === "missing_file") return undefined;
    throw error;
  });
  return rows?.map((row) => {
    const { range_offset: offset, range_length: length, open } = row;
    const range = offset === null ? undefined : { offset: Number(offset), length: Number(length) };
    return { row: fromTable(row), range, open: open === true };
  });
}

/** What of a chunk is no longer needed when its shard is in its place. */
export async function removeChunk(folder: string, name: string): Promise<void> {
  for (const path of [planPath(folder, name), chunkPartPath(folder, name)]) await rm(path, { force: true });
}
