/** @file Long work with a live line, which Ctrl-C ends in good order. */

import { IllustriousError } from "../base/error.ts";
import type { LiveLine } from "./live-line.ts";
import { EXIT, type Shell } from "./shell.ts";
import { exitCodeOf, stopRequest } from "./stop-request.ts";

export type StopWords = {
  /** At the first request, such as `stopping after this step`. */
  readonly stopping: string;
  /** When it has stopped. */
  stopped(error: IllustriousError): string;
};

/**
 * @param work must end with the error `cancelled` after its signal has aborted
 * @returns the exit code
 */
export async function untilStopped(
  shell: Shell,
  line: Pick<LiveLine, "keep" | "end">,
  words: StopWords,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<number> {
  const stop = stopRequest(
    shell,
    () => line.keep(`${words.stopping}\n`),
    () => line.end(),
  );
  try {
    await work(stop.signal);
    return EXIT.ok;
  } catch (error) {
    line.end();
    const by = stop.by();
    if (!by || !(error instanceof IllustriousError && error.code === "cancelled")) throw error;
    shell.stderr.write(`${words.stopped(error)}\n`);
    return exitCodeOf(by);
  } finally {
    line.end();
    stop.end();
  }
}
