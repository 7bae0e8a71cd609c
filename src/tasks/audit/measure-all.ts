/**
 * @file The images of a set in their order, divided in chunks that a queue has measured, their rows put in place shard by shard. Of the
 * images only the chunks in the queue are held, and of most of them only their names.
 */

import { rename } from "node:fs/promises";
import { IllustriousError } from "../../base/error.ts";
import {
  type AuditManifest,
  type AuditRow,
  askedDigest,
  type Chunk,
  type ChunkImage,
  chunkPartPath,
  chunkRowsPath,
  chunkTakenPath,
  type KnownRows,
  placesIn,
  type RowCounter,
  readPlan,
  readShard,
  removeChunk,
  removeLeftovers,
  samplesIn,
  shardPath,
  writeManifest,
  writePlan,
  writeRows,
  writeShard,
} from "../../data/audit/index.ts";
import { isOfTheDisk } from "../../formats/regular-file.ts";
import type { Ended } from "../../queue/queue.ts";
import { VERSION } from "../version.ts";
import type { AuditQueue } from "./audit-queue.ts";
import { type ChunkJob, type ChunkProgress, PROTOCOL } from "./chunk-job.ts";
import type { AuditCounts, AuditEvent } from "./events.ts";
import { gatherChunks } from "./gather-chunks.ts";

export type Found = { readonly images: number; readonly archives: number; readonly bytes: number };

export type Work = {
  readonly paths: readonly string[];
  /** Where the table is made. */
  readonly folder: string;
  /** Where chunks are. */
  readonly chunks: string;
  readonly known: KnownRows;
  readonly audit: Pick<AuditQueue, "queue" | "waiting" | "measure" | "workers" | "wrongIn" | "note">;
  /** Seconds a file. */
  readonly timeLimit: number;
  readonly found: Found;
  readonly manifest: AuditManifest;
  /** What all rows are counted in. */
  readonly counter: Pick<RowCounter, "add">;
  readonly signal: AbortSignal | undefined;
};

/** Milliseconds between two events of progress. */
export const TELL_EVERY = 200;

/** Answers to one chunk that are none, before it is given up. */
const MOST_FALSE = 3;

const SEE_ALL =
  "Every worker must see the images and the --out folder under the same paths as the audit, and may read and write there.";

type Pending = {
  readonly chunk: Omit<Chunk, "images">;
  readonly images: number;
  /** By which images the answer is known. */
  readonly asked: string;
  readonly known: Tally;
  readonly job: ChunkJob;
  falseAnswers: number;
};

type Tally = { readonly images: number; readonly errors: number };

/** @throws IllustriousError `cancelled` after an abort; `write_failed`; `engine_failed`; `queue_failed` */
export async function* measureAll(work: Work): AsyncGenerator<AuditEvent, AuditCounts> {
  const { folder, chunks, found, manifest, counter, signal } = work;
  const { queue, waiting } = work.audit;
  const { workingSide, shard: size } = manifest.settings;
  const pending = new Map<string, Pending>();
  let inWork: ReadonlyMap<string, ChunkProgress> = new Map();
  let workers: number | undefined;
  const done = { images: 0, errors: 0, bytes: 0 };
  let kept = 0;
  let shards = 0;
  let told = Number.NEGATIVE_INFINITY;

  const settings = { workingSide, timeLimit: work.timeLimit, protocol: PROTOCOL, program: VERSION };
  const gatherer = gatherChunks({
    ...{ known: work.known, size, settings, workers: work.audit.workers },
    measure: (path, content) => work.audit.measure({ path, content, workingSide }),
  });

  const count = (images: number, errors: number, bytes: number) => {
    done.images += images;
    done.errors += errors;
    done.bytes += bytes;
  };
  async function* inPlace(number: number, rows: readonly AuditRow[]): AsyncGenerator<AuditEvent, void> {
    await writeManifest(folder, { ...manifest, images: done.images, errors: done.errors, shards: ++shards });
    for (const row of rows) counter.add(row);
    yield { type: "shard", path: shardPath(folder, number), images: rows.length };
  }
  async function* take({ name, by, failure }: Ended): AsyncGenerator<AuditEvent, void> {
    const one = pending.get(name);
    if (!one) return;
    if (failure) throw failure.error;
    const rows = await answerOf(name, one.asked);
    const unseen = rows ? await work.audit.wrongIn(rows, rangesOf(name)) : chunkRowsPath(chunks, name);
    if (!rows || unseen !== undefined) {
      const message = `${by ?? "a worker"}: ${rows ? "does not see" : "has not done what was asked in"} ${unseen}`;
      if (++one.falseAnswers >= MOST_FALSE) throw new IllustriousError("queue_failed", message, SEE_ALL);
      yield { type: "warning", message, hint: "The chunk is done again." };
      yield* waiting(queue.forget(name));
      return yield* waiting(queue.add(name, one.job));
    }
    const place = shardPath(folder, one.chunk.number);
    await work.known.replace(place, rows);
    await rename(chunkTakenPath(chunks, name), place);
    await removeChunk(chunks, name);
    pending.delete(name);
    yield* waiting(queue.forget(name));
    count(rows.length - one.known.images, errorsIn(rows) - one.known.errors, one.chunk.bytes);
    yield* inPlace(one.chunk.number, rows);
  }
  /** Where in its archive a chunk's n-th image is: asked for when something is wrong with one. */
  function rangesOf(name: string): (i: number) => Promise<ChunkImage["range"]> {
    let plan: Promise<ChunkImage[] | undefined> | undefined;
    return async (i) => {
      plan ??= readPlan(chunks, name).catch(() => undefined);
      return (await plan)?.[i]?.range;
    };
  }
  /** The rows of a whole answer, which nobody can change any more. */
  async function answerOf(name: string, asked: string): Promise<readonly AuditRow[] | undefined> {
    const path = chunkTakenPath(chunks, name);
    try {
      await rename(chunkRowsPath(chunks, name), path);
      const rows = await readShard(path);
      return askedDigest(rows) === asked ? rows : undefined;
    } catch (error) {
      if (error instanceof IllustriousError && isOfTheDisk(error)) throw error;
      if (error instanceof IllustriousError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }
  async function* follow(): AsyncGenerator<AuditEvent, void> {
    if (signal?.aborted) throw stopped(soFar().images);
    const looking = queue.look([...pending.keys()]).catch((error: unknown) => {
      throw signal?.aborted ? stopped(soFar().images) : error;
    });
    const look = yield* waiting(looking);
    ({ progress: inWork, workers } = { workers: undefined, ...look });
    for (const ended of look.ended) yield* take(ended);
    yield* progress();
  }
  const soFar = (): AuditCounts & { readonly bytes: number } => {
    const filling = gatherer.soFar();
    let images = done.images + filling.images;
    let errors = done.errors + filling.errors;
    let bytes = done.bytes + filling.bytes;
    for (const [name, { measured, errors: wrong }] of inWork) {
      const one = pending.get(name);
      if (!one) continue;
      images += measured;
      errors += wrong;
      bytes += (one.chunk.bytes * (one.known.images + measured)) / one.images;
    }
    return { images, kept: kept + filling.kept, errors, bytes };
  };
  async function* progress(always = false): AsyncGenerator<AuditEvent, void> {
    const now = performance.now();
    if (!always && now - told < TELL_EVERY) return;
    told = now;
    const { bytes, ...counts } = soFar();
    const share = found.bytes === 0 ? 1 : Math.min(1, bytes / found.bytes);
    const far = { ...counts, share, ...(found.archives === 0 && { total: found.images }) };
    await work.audit.note({ ...far, done: false });
    yield { type: "progress", ...far, ...(workers !== undefined && { workers }) };
  }

  async function* send(chunk: Chunk): AsyncGenerator<AuditEvent, void> {
    const { images, ...rest } = chunk;
    const rows = closedRows(chunk);
    const known = { images: rows.length, errors: errorsIn(rows) };
    kept += chunk.kept;
    count(known.images, known.errors, 0);
    if (known.images === images.length) {
      await work.known.replace(shardPath(folder, chunk.number), rows);
      await writeShard(folder, chunk.number, rows, workingSide);
      count(0, 0, chunk.bytes);
      return yield* inPlace(chunk.number, rows);
    }
    await keepMeasured(chunk);
    await writePlan(chunks, chunk);
    const job = { ...settings, folder: chunks, name: chunk.name, images: images.length, paths: manifest.paths };
    const asked = askedDigest(images.map(({ row }) => row));
    pending.set(chunk.name, { chunk: rest, images: images.length, asked, known, job, falseAnswers: 0 });
    yield* waiting(queue.add(chunk.name, job));
    while (pending.size >= queue.room) yield* follow();
  }
  /** What was measured here, so that a run which ends before the chunk is done has not lost it. */
  async function keepMeasured(chunk: Chunk): Promise<void> {
    if (chunk.measured > 0) await writeRows(chunkPartPath(chunks, chunk.name), closedRows(chunk), workingSide);
  }

  for await (const sample of samplesIn(placesIn(work.paths))) {
    if (signal?.aborted) {
      const { images } = soFar();
      const chunk = await gatherer.rest();
      if (chunk) await keepMeasured(chunk);
      throw stopped(images);
    }
    const chunk = await gatherer.add(sample);
    if (chunk) yield* send(chunk);
    yield* progress();
  }
  const last = await gatherer.rest();
  if (last) yield* send(last);
  while (pending.size > 0) yield* follow();
  yield* progress(true);
  await removeLeftovers(folder, shards);
  return { images: done.images, kept, errors: done.errors };
}

const errorsIn = (rows: readonly AuditRow[]): number => rows.filter(({ error }) => error !== null).length;

const closedRows = ({ images }: Chunk): AuditRow[] => images.flatMap(({ row, open }) => (open ? [] : [row]));

/** @param images that are done with */
export function stopped(images: number): IllustriousError {
  return new IllustriousError("cancelled", `stopped after ${images} images`, "The same call goes on from there.");
}
