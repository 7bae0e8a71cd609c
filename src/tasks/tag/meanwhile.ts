/** @file Work that is looked at from time to time while it goes on. */

import { ticks } from "../../base/ticks.ts";

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
  const running = work(signal ? AbortSignal.any([signal, stop.signal]) : stop.signal);
  try {
    yield* ticks(running, LOOK_EVERY);
    yield;
    await running;
  } finally {
    stop.abort();
    await running.catch(() => {});
  }
}
