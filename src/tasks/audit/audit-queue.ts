/** @file By whom an audit's chunks are measured: by this program, or by workers that a Redis brings it together with. */

import { hostname } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import type { AuditRow, ImageFacts, MeasureRequest } from "../../data/audit/index.ts";
import { embeddedQueue } from "../../queue/embedded.ts";
import { type Lease, takeLease } from "../../queue/lease.ts";
import { type LinkEvent, openNews } from "../../queue/link-news.ts";
import type { Queue } from "../../queue/queue.ts";
import { connectRedis } from "../../queue/redis.ts";
import { openRedisQueue } from "../../queue/redis-queue.ts";
import { AUDIT_KIND, type ChunkJob, type ChunkProgress, groupOf, progressOf } from "./chunk-job.ts";
import { type Decoders, openDecoders } from "./decoders.ts";
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
  /** Whether it does not know yet what there is to do. */
  looking: z.boolean(),
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
  /** Awaits a call that needs the queue, and yields what meanwhile keeps it. */
  waiting<T>(call: Promise<T>): AsyncGenerator<LinkEvent, T>;
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
    // biome-ignore lint/correctness/useYield: nothing keeps it.
    async *waiting(call) {
      return await call;
    },
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
 * Yields what keeps Redis from answering.
 *
 * @param out the audit's folder, absolute
 * @throws IllustriousError `bad_option`, `queue_failed`, `unsupported`; `cancelled`
 */
export async function* redisQueue(
  url: string,
  out: string,
  { entry, workers, timeLimit }: Here,
  signal: AbortSignal | undefined,
): AsyncGenerator<LinkEvent, AuditQueue> {
  const news = openNews();
  const link = yield* news.during(connectRedis(url, news, signal));
  const ends: (() => Promise<void>)[] = [];
  const close = async () => {
    await patiently(Promise.all(ends.map((end) => end())));
    link.close();
  };
  let open = false;
  try {
    const group = groupOf(out);
    const lease = yield* news.during(takeLease<AuditNote>(link, AUDIT_KIND, group, out, signal));
    ends.push(() => lease.release());
    const note = notesOf(lease, out);
    void note({ images: 0, kept: 0, errors: 0, share: 0, looking: true, done: false });
    const queue = await openRedisQueue<ChunkJob, ChunkProgress>(link, AUDIT_KIND, group, progressOf, signal);
    ends.push(() => queue.close());
    // Chunks of a run before come again in their turn, if they are still to do.
    yield* news.during(queue.clear());
    open = true;
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
      wrongIn: (rows, rangeOf) => wrongIn(rows, rangeOf, decoders),
      waiting: (call) => news.during(call),
      note: (told) => note({ ...told, looking: false }),
      check: () => lease.renew(),
      async finish() {
        await patiently(queue.clear());
      },
      async close() {
        await decoders.close();
        await close();
      },
    };
  } finally {
    if (!open) await close();
  }
}

/** The first, then one a while, and the last, for which it waits a little. */
function notesOf(lease: Lease<AuditNote>, folder: string) {
  const began = Date.now();
  let noted = 0;
  /** One that waits for Redis is enough. */
  let writing = false;
  return async (told: Omit<AuditNote, "folder" | "host" | "pid" | "began" | "at">): Promise<void> => {
    if (!told.done && !told.looking && (writing || Date.now() - noted < NOTE_EVERY)) return;
    noted = Date.now();
    writing = true;
    const note = { folder, host: hostname(), pid: process.pid, began, at: noted, ...told };
    const written = lease
      .note(note)
      .catch(() => {})
      .finally(() => {
        writing = false;
      });
    if (told.done) await patiently(written);
  };
}

/** A file that rows have wrongly as missing or unreadable, as `decoders` see it. */
async function wrongIn(
  rows: readonly AuditRow[],
  rangeOf: (i: number) => Promise<MeasureRequest["range"]>,
  decoders: Decoders,
): Promise<string | undefined> {
  for (const [i, row] of rows.entries()) {
    if (row.bytes === null || (row.error !== "missing" && row.error !== "unreadable")) continue;
    const range = row.member === null ? undefined : await rangeOf(i);
    // An archive may be cut short in the middle of an image: only that image's own bytes tell.
    if (row.member !== null && !range) continue;
    const facts = await decoders.measure({ path: row.source, range, workingSide: 16 });
    if (facts.error !== row.error) return row.source;
  }
  return undefined;
}
