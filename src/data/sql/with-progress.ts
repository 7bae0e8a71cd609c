/** @file How far DuckDB is with what it was asked, told while it works. */

import type { DuckDBConnection } from "@duckdb/node-api";
import { ticks } from "../../base/ticks.ts";

/** `share` from 0 to 1, by rows read of the tables; none where DuckDB cannot say. */
export type SqlProgress = { readonly type: "progress"; readonly share: number | undefined };

/** Milliseconds. */
const TELL_EVERY = 500;

/** What comes of it, with events meanwhile. Whoever stops listening has it interrupted, and waits for its end. */
export async function* withProgress<T>(connection: DuckDBConnection, work: Promise<T>): AsyncGenerator<SqlProgress, T> {
  let settled = false;
  const ended = work.then(
    () => {
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  let told = false;
  try {
    for await (const _ of ticks(work, TELL_EVERY)) {
      told = true;
      const { percentage } = connection.progress;
      yield { type: "progress", share: percentage > 0 ? Math.min(1, percentage / 100) : undefined };
    }
    const found = await work;
    if (told) yield { type: "progress", share: 1 };
    return found;
  } finally {
    // A connection that is closed in the middle of its work takes the process with it.
    if (!settled) connection.interrupt();
    await ended;
  }
}
