/** @file Calls that wait for Redis, by a program that may be asked to stop. */

import { IllustriousError } from "../base/error.ts";

/**
 * A call that waits for Redis to come back must not keep a program that is to end.
 *
 * @throws IllustriousError `cancelled`
 */
export async function orAborted<T>(call: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return call;
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new IllustriousError("cancelled", "stopped while it waited for the queue"));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([call, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
    call.catch(() => {});
  }
}
