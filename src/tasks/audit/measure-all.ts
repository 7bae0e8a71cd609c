/**
 * @file The images of a set in their order, measured by several processes, their rows written shard by shard. Of the images only the
 * shard in work is held.
 */

import { IllustriousError } from "../../base/error.ts";
import {
  type AuditManifest,
  type AuditRow,
  factsOf,
  type KnownRows,
  NO_FACTS,
  placesIn,
  type RowCounter,
  removeLeftovers,
  type Sample,
  samplesIn,
  writeManifest,
  writeShard,
  writeUnfinished,
} from "../../data/audit/index.ts";
import type { Decoders } from "./decoders.ts";
import type { AuditCounts, AuditEvent } from "./events.ts";

export type Found = { readonly images: number; readonly archives: number; readonly bytes: number };

export type Work = {
  readonly paths: readonly string[];
  /** Where the table is made. */
  readonly folder: string;
  readonly known: KnownRows;
  readonly decoders: Decoders;
  readonly workers: number;
  readonly workingSide: number;
  /** Images a shard. */
  readonly shard: number;
  readonly found: Found;
  readonly manifest: AuditManifest;
  /** What all rows are counted in. */
  readonly counter: Pick<RowCounter, "add">;
  readonly signal: AbortSignal | undefined;
};

/** Milliseconds between two events of progress. */
const TELL_EVERY = 200;

/** @throws IllustriousError `cancelled` after an abort, when what is in work is done and kept; `write_failed`; `engine_failed` */
export async function* measureAll(work: Work): AsyncGenerator<AuditEvent, AuditCounts> {
  const { folder, workers, workingSide, shard: size, found, manifest, counter, signal } = work;
  const counts = { images: 0, kept: 0, errors: 0 };
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  let rows: AuditRow[] = [];
  let shards = 0;
  let reached = 0;

  const begin = (sample: Sample, id: number): void => {
    const place = id % size;
    const one = rowOf(sample, id, work)
      .then(({ row, kept }) => {
        rows[place] = row;
        counts.images++;
        if (kept) counts.kept++;
        if (row.error !== null) counts.errors++;
        reached = Math.max(reached, sample.reached);
      })
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => running.delete(one));
    running.add(one);
  };
  const settle = async (): Promise<void> => {
    await Promise.all(running);
    if (failure) throw failure.error;
  };
  async function* finishShard(): AsyncGenerator<AuditEvent, void> {
    await settle();
    if (rows.length === 0) return;
    const path = await writeShard(folder, shards, rows, workingSide);
    for (const row of rows) counter.add(row);
    const { length } = rows;
    shards++;
    rows = [];
    await writeManifest(folder, { ...manifest, images: counts.images, errors: counts.errors, shards });
    yield { type: "shard", path, images: length };
  }
  const progress = (): AuditEvent => ({
    ...{ type: "progress", ...counts, share: found.bytes === 0 ? 1 : Math.min(1, reached / found.bytes) },
    ...(found.archives === 0 && { total: found.images }),
  });

  let id = 0;
  let told = Number.NEGATIVE_INFINITY;
  for await (const sample of samplesIn(placesIn(work.paths))) {
    if (signal?.aborted) {
      await settle();
      if (counts.kept < counts.images) await writeUnfinished(folder, rows, workingSide);
      throw stopped(counts.images);
    }
    begin(sample, id++);
    // One more than there are processes, so that none waits for the next file to be found.
    while (running.size > workers) await Promise.race(running);
    if (failure) throw failure.error;
    if (performance.now() - told >= TELL_EVERY) {
      told = performance.now();
      yield progress();
    }
    if (id % size === 0) yield* finishShard();
  }
  yield* finishShard();
  yield progress();
  await removeLeftovers(folder, shards);
  return counts;
}

/** @param images that are done with */
export function stopped(images: number): IllustriousError {
  return new IllustriousError("cancelled", `stopped after ${images} images`, "The same call goes on from there.");
}

async function rowOf(
  { origin, range, content, fault }: Sample,
  id: number,
  { known, decoders, workingSide }: Work,
): Promise<{ row: AuditRow; kept: boolean }> {
  if (fault) return { row: { id, ...origin, ...NO_FACTS, ...fault }, kept: false };
  const before = await known.find(origin);
  if (before) return { row: { id, ...origin, ...factsOf(before) }, kept: true };
  const facts = await decoders.measure({ path: origin.source, range, content, workingSide });
  return { row: { id, ...origin, ...facts }, kept: false };
}
