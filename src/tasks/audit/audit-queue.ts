/** @file By whom an audit's chunks are measured: by this program, or by workers that a Redis brings it together with. */

import { hostname } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import type { AuditRow, ImageFacts, MeasureRequest } from "../../data/audit/index.ts";
import { embeddedQueue } from "../../queue/embedded.ts";
import { takeLease } from "../../queue/lease.ts";
import type { Queue } from "../../queue/queue.ts";
import { connectRedis } from "../../queue/redis.ts";
import { openRedisQueue } from "../../queue/redis-queue.ts";
import { AUDIT_KIND, type ChunkJob, type ChunkProgress, groupOf, progressOf } from "./chunk-job.ts";
import { openDecoders } from "./decoders.ts";
import { measureChunk } from "./measure-chunk.ts";

const count = z.int().min(0);

const auditNote = z.object({
  folder: z.string(),
  host: z.string(),
  pid: count,
  /** Milliseconds since 1970: when it began, and when this was true. */
  began: count,
  at: count,
  ...{ images: count, kept: count, errors: count },
  total: count.optional(),
  /** Of the bytes, 0 to 1. */
  share: z.number().min(0).max(1),
  done: z.boolean(),
});

/** What others see of an audit. */
export type AuditNote = Readonly<z.output<typeof auditNote>>;

/** What was written down, if it is an audit's note. */
export function noteOf(told: unknown): AuditNote | undefined {
  return auditNote.safeParse(told).data;
}

export type AuditQueue = {
  readonly queue: Queue<ChunkJob, ChunkProgress>;
  readonly warning?: { readonly message: string; readonly hint: string } | undefined;
  /** Measures in this process's own decoders, of which there are `workers`. */
  measure(request: MeasureRequest): Promise<ImageFacts>;
  readonly workers: number;
  /**
   * A file that the rows of an answer have wrongly as missing or unreadable.
   *
   * @param rangeOf where in its archive the n-th row's image is; none where that is not known
   */
  wrongIn(
    rows: readonly AuditRow[],
    rangeOf: (i: number) => Promise<MeasureRequest["range"]>,
  ): Promise<string | undefined>;
  /** Tells others how far it is. */
  note(note: Pick<AuditNote, "images" | "kept" | "errors" | "total" | "share" | "done">): Promise<void>;
  /** Before the table is put in its place. @throws IllustriousError `queue_failed` when another has taken the audit over */
  check(): Promise<void>;
  /** When the table is in its place. */
  finish(): Promise<void>;
  close(): Promise<void>;
};

export type Here = {
  /** The module of the processes that decode. */
  readonly entry: URL;
  readonly workers: number;
  readonly timeLimit: number;
};

const nothing = async () => {};

/** Whether it fails or Redis does not answer. */
const patiently = (call: Promise<unknown>): Promise<unknown> => Promise.race([call.catch(() => {}), wait(PATIENCE)]);

export function ownQueue({ entry, workers, timeLimit }: Here): AuditQueue {
  const decoders = openDecoders({ entry, workers, timeLimit });
  const queue = embeddedQueue<ChunkJob, ChunkProgress>((job, turn) => measureChunk(job, turn, decoders, workers));
  return {
    ...{ queue, measure: decoders.measure, workers },
    wrongIn: async () => undefined,
    ...{ note: nothing, check: nothing, finish: nothing },
    async close() {
      await queue.close();
      await decoders.close();
    },
  };
}

/** Milliseconds between two notes, and those that a Redis which does not answer may delay the end. */
const NOTE_EVERY = 1000;
const PATIENCE = 2000;

/**
 * @param out the audit's folder, absolute
 * @throws IllustriousError `bad_option`, `queue_failed`, `unsupported`; `cancelled`
 */
export async function redisQueue(
  url: string,
  out: string,
  { entry, workers, timeLimit }: Here,
  signal: AbortSignal | undefined,
): Promise<AuditQueue> {
  const link = await connectRedis(url);
  const group = groupOf(out);
  const lease = await takeLease<AuditNote>(link, AUDIT_KIND, group, out, signal).catch((error: unknown) => {
    link.close();
    throw error;
  });
  const queue = await openRedisQueue<ChunkJob, ChunkProgress>(link, AUDIT_KIND, group, progressOf, signal);
  // Chunks of a run before come again in their turn, if they are still to do.
  await queue.clear();
  const began = Date.now();
  let noted = 0;
  // They run from the first image on that they are asked for.
  const decoders = openDecoders({ entry, workers, timeLimit });
  return {
    queue: {
      ...queue,
      async look(names) {
        lease.check();
        return queue.look(names);
      },
    },
    ...{ warning: link.warning, measure: decoders.measure, workers },
    async wrongIn(rows, rangeOf) {
      for (const [i, row] of rows.entries()) {
        if (row.bytes === null || (row.error !== "missing" && row.error !== "unreadable")) continue;
        const range = row.member === null ? undefined : await rangeOf(i);
        // An archive may be cut short in the middle of an image: only that image's own bytes tell.
        if (row.member !== null && !range) continue;
        const facts = await decoders.measure({ path: row.source, range, workingSide: 16 });
        if (facts.error !== row.error) return row.source;
      }
      return undefined;
    },
    async note(told) {
      if (!told.done && Date.now() - noted < NOTE_EVERY) return;
      noted = Date.now();
      const who = { folder: out, host: hostname(), pid: process.pid };
      const writing = lease.note({ ...who, began, at: noted, ...told }).catch(() => {});
      if (told.done) await patiently(writing);
    },
    check: () => lease.renew(),
    async finish() {
      await patiently(queue.clear());
    },
    async close() {
      await decoders.close();
      await patiently(Promise.all([queue.close(), lease.release()]));
      link.close();
    },
  };
}
