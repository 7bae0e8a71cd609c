/** @file The queue of a program that does its jobs itself, one after the other. */

import type { Ended, Perform, Queue } from "./queue.ts";

/** One in work and one behind it, so that there is no waiting between the two. */
const ROOM = 2;

/** Milliseconds. */
const MOMENT = 200;

export function embeddedQueue<Job, Progress>(perform: Perform<Job, Progress>): Queue<Job, Progress> {
  const stop = new AbortController();
  const progress = new Map<string, Progress>();
  const ended: Ended[] = [];
  const names = new Set<string>();
  let last: Promise<void> = Promise.resolve();
  let wake = () => {};

  async function run(name: string, job: Job): Promise<void> {
    if (stop.signal.aborted) return;
    const tell = async (told: Progress) => void progress.set(name, told);
    try {
      await perform(job, { lost: 0, told: undefined, tell, signal: stop.signal });
      ended.push({ name });
    } catch (error) {
      ended.push({ name, failure: { error } });
    }
    progress.delete(name);
    wake();
  }

  return {
    room: ROOM,
    async add(name, job) {
      if (names.has(name)) return;
      names.add(name);
      last = last.then(() => run(name, job));
    },
    async look() {
      if (ended.length === 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, MOMENT);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      return { ended: ended.splice(0), progress: new Map(progress) };
    },
    async forget(name) {
      names.delete(name);
    },
    async close() {
      stop.abort();
      await last;
    },
  };
}
