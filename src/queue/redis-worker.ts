/** @file Doing the jobs of a queue on Redis, one after the other, until asked to stop. */

import { setTimeout as wait } from "node:timers/promises";
import { IllustriousError } from "../base/error.ts";
import type { LinkEvent } from "./link-news.ts";
import { loadBullMq } from "./packages.ts";
import type { Perform } from "./queue.ts";
import { PREFIX, type RedisLink } from "./redis.ts";
import { hindranceOf, isReply, refused } from "./refusals.ts";

export type WorkerEvent<Job, Progress> =
  | { readonly type: "begun"; readonly name: string; readonly job: Job; readonly lost: number }
  | { readonly type: "progress"; readonly name: string; readonly progress: Progress }
  | { readonly type: "done"; readonly name: string }
  /** It goes to another, or comes back. */
  | { readonly type: "returned"; readonly name: string }
  | { readonly type: "failed"; readonly name: string; readonly message: string }
  | LinkEvent;

export type WorkerOptions<Job, Progress> = {
  /**
   * What is in the queue, as a job; `undefined` for one that nobody wants any more.
   *
   * @throws for what is none, or one that cannot be done here, as `perform` would
   */
  readonly accept: (data: unknown) => Promise<Job | undefined>;
  readonly perform: Perform<Job, Progress>;
  /** What was told of a job, unless it is nothing that is told of such jobs. */
  readonly progressOf: (told: unknown) => Progress | undefined;
  /** Who it is, for those who ask what became of a job. */
  readonly name: string;
  /** Seconds without a sign of life after which a job goes to another. */
  readonly stallAfter: number;
  readonly signal: AbortSignal | undefined;
};

/** Failures of the machine and not of the job: it goes back, and this worker ends. */
const OF_THE_MACHINE = new Set(["engine_failed", "write_failed", "missing_file", "unsupported"]);

/** How often a job's worker may be lost: it is the job's own business to find out what does it. */
const MOST_LOST = 1_000_000;

/**
 * @param kind of jobs; the queue's name
 * @throws IllustriousError what `accept` and `perform` throw of the kind that is the machine's fault, when the job is back in the queue;
 * `queue_failed` when Redis refuses for good
 */
export async function* workOn<Job, Progress extends object>(
  { redis, shown, news }: RedisLink,
  kind: string,
  { accept, perform, progressOf, name, stallAfter, signal }: WorkerOptions<Job, Progress>,
): AsyncGenerator<WorkerEvent<Job, Progress>, void> {
  const { Worker, WaitingError } = await loadBullMq();
  const events: WorkerEvent<Job, Progress>[] = [];
  let wake = () => {};
  const tell = (event: WorkerEvent<Job, Progress>) => {
    events.push(event);
    wake();
  };
  const stop = new AbortController();
  let fault: IllustriousError | undefined;
  let busy = false;

  /** Waits for Redis, also while it is away; but not once this worker is to stop. */
  async function answered(call: Promise<unknown>): Promise<void> {
    const settled = call.then(
      () => true,
      () => true,
    );
    while (!(await Promise.race([settled, wait(500, false)]))) {
      if (stop.signal.aborted && redis.status !== "ready") return;
    }
  }

  const worker = new Worker<unknown>(
    kind,
    async (job, token) => {
      const name = job.id!;
      const lost = job.stalledCounter;
      const turn = {
        ...{ lost, told: progressOf(job.progress) },
        tell(said: Progress) {
          tell({ type: "progress", name, progress: said });
          return answered(job.updateProgress(said));
        },
      };
      busy = true;
      try {
        const accepted = await accept(job.data);
        if (accepted === undefined) return;
        tell({ type: "begun", name, job: accepted, lost });
        await perform(accepted, { ...turn, signal: stop.signal });
        tell({ type: "done", name });
      } catch (error) {
        const known = error instanceof IllustriousError;
        const cancelled = known && error.code === "cancelled";
        if (!cancelled && !(known && OF_THE_MACHINE.has(error.code))) {
          tell({ type: "failed", name, message: error instanceof Error ? error.message : String(error) });
          throw error;
        }
        if (!cancelled) {
          fault = error;
          end();
        }
        tell({ type: "returned", name });
        // Taken away from a worker that had been silent too long, it is another's already.
        await answered(job.moveToWait(token));
        throw new WaitingError();
      } finally {
        busy = false;
      }
    },
    {
      ...{
        connection: redis,
        prefix: PREFIX,
        skipVersionCheck: true,
        name,
        concurrency: 1,
        maxStalledCount: MOST_LOST,
      },
      ...{ lockDuration: 1000 * stallAfter, lockRenewTime: 300 * stallAfter, stalledInterval: 1000 * stallAfter },
    },
  );
  let ended = false;
  const end = () => {
    stop.abort();
    const closed = async () => {
      // Not close() alone: it waits until Redis has been told of the job, which may be never, and renews its lock so long.
      await answered(worker.pause());
      while (busy) await wait(50);
      await answered(worker.close(true));
      ended = true;
      wake();
    };
    void closed();
  };
  // What passes is waited out by the connections; what does not would be asked again and again, without a pause.
  worker.on("error", (error) => {
    if (fault || !isReply(error) || hindranceOf(shown, error.message)) return;
    fault = refused(shown, error);
    end();
  });
  const unfollow = news?.follow(tell);
  signal?.addEventListener("abort", end, { once: true });
  if (signal?.aborted) end();
  try {
    while (!ended || events.length > 0) {
      yield* events.splice(0);
      if (!ended && events.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
    if (fault) throw fault;
  } finally {
    unfollow?.();
    signal?.removeEventListener("abort", end);
    if (!ended) end();
    while (!ended) await wait(50);
  }
}
