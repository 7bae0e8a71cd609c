/** @file A worker: measures the chunks of whatever audits fill the queue, until it is asked to stop; and a look at that queue. */

import { availableParallelism, hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { IllustriousError } from "../../base/error.ts";
import { readPlan } from "../../data/audit/index.ts";
import { exists } from "../../formats/exists.ts";
import { isHeld, readNotes } from "../../queue/lease.ts";
import { openNews } from "../../queue/link-news.ts";
import type { Turn } from "../../queue/queue.ts";
import { connectRedis } from "../../queue/redis.ts";
import { countQueue, type QueueCounts } from "../../queue/redis-queue.ts";
import { type WorkerEvent, workOn } from "../../queue/redis-worker.ts";
import { type AuditNote, noteOf } from "./audit-queue.ts";
import { checkBelow, measuringBelow, realFolders } from "./below.ts";
import {
  AUDIT_KIND,
  anyJobOf,
  type ChunkJob,
  type ChunkProgress,
  chunkJobOf,
  groupOf,
  progressOf,
} from "./chunk-job.ts";
import { type Decoders, openDecoders } from "./decoders.ts";
import { measureChunk } from "./measure-chunk.ts";
import { parseWorkerOptions, type WorkerInput } from "./worker-options.ts";

export type AuditWorkerEvent =
  | { readonly type: "ready"; readonly queue: string; readonly name: string; readonly workers: number }
  | { readonly type: "warning"; readonly message: string; readonly hint: string }
  | WorkerEvent<ChunkJob, ChunkProgress>;

export type WorkerControl = {
  /** Ends the work after the images in it; what is done of the chunk is kept, and the rest goes to others. */
  readonly signal?: AbortSignal | undefined;
  /** The module of the processes that decode, for programs that bundle it elsewhere. */
  readonly entry?: URL;
};

export async function* runWorker(
  input: WorkerInput,
  { signal, entry = new URL("./decoder-main.js", import.meta.url) }: WorkerControl,
): AsyncGenerator<AuditWorkerEvent, void> {
  const { queue, workers = availableParallelism(), stallAfter, below } = parseWorkerOptions(input);
  const folders = below && (await realFolders(below));
  const news = openNews();
  const link = yield* news.during(connectRedis(queue, news));
  let open: { readonly timeLimit: number; readonly decoders: Decoders } | undefined;

  async function decodersFor(timeLimit: number): Promise<Decoders> {
    if (open?.timeLimit === timeLimit) return open.decoders;
    await open?.decoders.close();
    open = { timeLimit, decoders: openDecoders({ entry, workers, timeLimit }) };
    return open.decoders;
  }
  async function perform(job: ChunkJob, turn: Turn<ChunkProgress>): Promise<void> {
    const decoders = await decodersFor(job.timeLimit);
    return measureChunk(job, turn, folders ? measuringBelow(decoders, folders) : decoders, workers);
  }
  async function accept(data: unknown): Promise<ChunkJob | undefined> {
    const { folder } = anyJobOf(data);
    try {
      const job = chunkJobOf(data);
      await checkSeen(job);
      if (folders) await checkBelow(job, folders);
      return job;
    } catch (reason) {
      // What an audit that is over has left in the queue is nobody's trouble; one that ends takes its folder away before its lease.
      await sleep(ENDING);
      if (await isHeld(link, AUDIT_KIND, groupOf(dirname(folder)))) throw reason;
      return undefined;
    }
  }

  try {
    const name = `${hostname()}/${process.pid}`;
    yield { type: "ready", queue: link.shown, name, workers };
    if (link.warning) yield { type: "warning", ...link.warning };
    yield* workOn(link, AUDIT_KIND, { accept, perform, progressOf, name, stallAfter, signal });
    // Without an abort it never ends.
    throw new IllustriousError("cancelled", `${name}: stopped`, "Another worker goes on with what is left.");
  } finally {
    await open?.decoders.close();
    link.close();
  }
}

/** Milliseconds that an audit takes to end. */
const ENDING = 1000;

/** Images of a chunk that are looked for; fewer than the second may all be gone. */
const [LOOKED_FOR, FEWEST] = [8, 3];

/**
 * A folder that is there may be where something should be mounted and is not.
 *
 * @throws IllustriousError `missing_file` for a path of the job that is not there on this machine, or has none of the job's images
 */
async function checkSeen({ folder, name, paths }: ChunkJob): Promise<void> {
  const missing = (message: string) => {
    const hint = "Mount it under the same path as where the audit was started.";
    return new IllustriousError("missing_file", `${message}, ${hostname()}`, hint);
  };
  for (const path of [dirname(folder), ...paths]) {
    if (!(await exists(path))) throw missing(`${path}: not on this machine`);
  }
  const plan = await readPlan(folder, name);
  // A plan alone is missing where another worker has done it.
  if (!plan && !(await exists(folder))) throw missing(`${folder}: not on this machine, though ${dirname(folder)} is`);
  const images = (plan ?? []).filter(({ row, open }) => open && row.bytes !== null).map(({ row }) => row.source);
  const step = Math.max(1, Math.ceil(images.length / LOOKED_FOR));
  const some = images.filter((_, i) => i % step === 0);
  if (some.length < FEWEST) return;
  for (const path of some) if (await exists(path)) return;
  throw missing(`${some[0]} and ${some.length - 1} more images: none of them on this machine`);
}

export type AuditQueueStatus = QueueCounts & {
  /** Where the queue is, without user and password. */
  readonly queue: string;
  /** Of the last week. */
  readonly audits: readonly (Omit<AuditNote, "done" | "looking"> & { readonly state: AuditState })[];
};

/** While it looks for images it does not know how many there are, nor how many an earlier run has measured. */
export type AuditState = "looking for images" | "running" | "stopped" | "done";

export async function readStatus(queue: string): Promise<AuditQueueStatus> {
  const link = await connectRedis(queue);
  try {
    const counts = await countQueue(link, AUDIT_KIND);
    const notes = await readNotes(link, AUDIT_KIND, noteOf);
    const audits = notes.map(({ note: { done, looking, ...note }, held }) => {
      const stateHeld = looking ? ("looking for images" as const) : ("running" as const);
      const state = held ? stateHeld : done ? ("done" as const) : ("stopped" as const);
      return { ...note, state };
    });
    return { queue: link.shown, ...counts, audits };
  } finally {
    link.close();
  }
}
