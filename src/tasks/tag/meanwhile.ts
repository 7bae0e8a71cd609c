/** @file Work that is looked at from time to time while it goes on. */

import { setTimeout as wait } from "node:timers/promises";

/** Milliseconds between two looks. */
const LOOK_EVERY = 200;

/**
 * Yields a few times a second while the work goes on, and once when it has ended; then it throws what the work has thrown. Whoever stops
 * listening stops the work, too.
 */
export async function* meanwhile(
  work: (signal: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
): AsyncGenerator<void, void> {
  const stop = new AbortController();
  let ended = false;
  const running = work(signal ? AbortSignal.any([signal, stop.signal]) : stop.signal).finally(() => {
    ended = true;
  });
  try {
    while (!ended) {
      await Promise.race([running.catch(() => {}), wait(LOOK_EVERY)]);
      yield;
    }
    await running;
  } finally {
    stop.abort();
    await running.catch(() => {});
  }
}
