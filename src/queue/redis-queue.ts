/**
 * @file A queue on Redis, by BullMQ, seen from the side that adds jobs. What Redis loses is added again: nothing that matters is kept
 * there alone.
 */

import { setTimeout as wait } from "node:timers/promises";
import type { Queue as BullMqQueue } from "bullmq";
import { IllustriousError } from "../base/error.ts";
import { orAborted } from "./or-aborted.ts";
import { loadBullMq } from "./packages.ts";
import type { Ended, Queue } from "./queue.ts";
import { PREFIX, type RedisLink } from "./redis.ts";

/** Jobs that one side has in the queue at once: enough for as many workers. */
const ROOM = 256;

/** Milliseconds. */
const MOMENT = 250;
const RECOUNT_EVERY = 5_000;
const ADD_AGAIN_EVERY = 30_000;

/** Tries at a job that fails for a reason of its own, by whichever workers. */
const ATTEMPTS = 3;

/** Letters of a failure that somebody else had. */
const MOST_TOLD = 1000;

/** Seconds after which a job that ended is forgotten, though nobody asked for it. */
const WEEK = 7 * 24 * 3600;

/**
 * @param kind of job; the queue's name
 * @param group whose jobs they are, since one queue has those of all
 * @param progressOf what was told, unless it is nothing that is told of such jobs
 */
export async function openRedisQueue<Job, Progress>(
  { redis, ask }: RedisLink,
  kind: string,
  group: string,
  progressOf: (told: unknown) => Progress | undefined,
  signal: AbortSignal | undefined,
): Promise<
  Queue<Job, Progress> & { /** Takes out all jobs of the group that nobody is at. */ clear(): Promise<void> }
> {
  const { Queue: BullQueue } = await loadBullMq();
  const queue = new BullQueue(kind, { connection: redis, prefix: PREFIX, skipVersionCheck: true });
  // What waits for Redis waits in the calls themselves, and what it refuses they throw.
  queue.on("error", () => {});
  const added = new Map<string, Job>();
  const idOf = (name: string) => `${group}.${name}`;
  const nameOf = (id: string) => (id.startsWith(`${group}.`) ? id.slice(group.length + 1) : undefined);
  let countedAt = Number.NEGATIVE_INFINITY;
  let addedAt = performance.now();
  let workers = 0;
  // One that was started anew may have lost everything.
  const addAgain = () => {
    addedAt = Number.NEGATIVE_INFINITY;
  };
  redis.on("ready", addAgain);

  async function put(name: string, job: Job): Promise<void> {
    const keep = { age: WEEK };
    const options = { removeOnComplete: keep, removeOnFail: keep, attempts: ATTEMPTS };
    await queue.add(kind, job, { jobId: idOf(name), ...options });
  }

  async function endedAmong(names: ReadonlySet<string>): Promise<Ended[]> {
    const found: Ended[] = [];
    for (const state of ["completed", "failed"] as const) {
      for (const id of await queue.getRanges([state], 0, -1)) {
        const name = nameOf(id);
        if (name === undefined || !names.has(name)) continue;
        const job = await queue.getJob(id);
        if (!job) continue;
        const by = job.processedBy;
        const error = new IllustriousError(
          "queue_failed",
          `${by ?? "a worker"}: ${job.failedReason?.slice(0, MOST_TOLD)}`,
        );
        found.push({ name, by, ...(state === "failed" && { failure: { error } }) });
      }
    }
    return found;
  }

  return {
    room: ROOM,
    async add(name, job) {
      added.set(name, job);
      await orAborted(
        ask(() => put(name, job)),
        signal,
      );
    },
    async look(names) {
      await wait(MOMENT, undefined, { signal }).catch(() => {});
      const look = async () => {
        const now = performance.now();
        if (now - countedAt > RECOUNT_EVERY) {
          workers = await workersOf(queue, redis);
          countedAt = now;
        }
        if (now - addedAt > ADD_AGAIN_EVERY) {
          for (const name of names) await put(name, added.get(name)!);
          addedAt = now;
        }
        const progress = new Map<string, Progress>();
        for (const { id, progress: told } of await queue.getActive()) {
          const name = id === undefined ? undefined : nameOf(id);
          const known = progressOf(told);
          if (name !== undefined && known !== undefined) progress.set(name, known);
        }
        return { ended: await endedAmong(new Set(names)), progress, workers };
      };
      return orAborted(ask(look), signal);
    },
    async forget(name) {
      added.delete(name);
      await orAborted(
        ask(() => queue.remove(idOf(name))),
        signal,
      );
    },
    async clear() {
      const clear = async () => {
        for (const id of await queue.getRanges(["wait", "delayed", "completed", "failed"], 0, -1)) {
          if (nameOf(id) !== undefined) await queue.remove(id);
        }
      };
      await orAborted(ask(clear), signal);
    },
    close() {
      redis.off("ready", addAgain);
      return queue.close();
    },
  };
}

export type QueueCounts = { readonly waiting: number; readonly active: number; readonly workers: number };

/** @throws IllustriousError `queue_failed` */
export async function countQueue({ redis, ask }: RedisLink, kind: string): Promise<QueueCounts> {
  const { Queue: BullQueue } = await loadBullMq();
  const queue = new BullQueue(kind, { connection: redis, prefix: PREFIX, skipVersionCheck: true });
  queue.on("error", () => {});
  try {
    return await ask(async () => {
      const { wait: waiting = 0, active = 0 } = await queue.getJobCounts("wait", "active");
      return { waiting, active, workers: await workersOf(queue, redis) };
    });
  } finally {
    await queue.close();
  }
}

/** Redis tells of the clients of all its databases. */
async function workersOf(queue: Pick<BullMqQueue, "getWorkers">, redis: RedisLink["redis"]): Promise<number> {
  const all = await queue.getWorkers();
  return all.filter(({ db }) => Number(db) === redis.options.db).length;
}
