/** @file Ctrl-C: the first lets the running step end, the second ends everything at once. */

import { EXIT, type Shell, type StopSignal } from "./shell.ts";

export type StopRequest = {
  /** Aborts at the first request. */
  readonly signal: AbortSignal;
  /** What asked to stop, if anything did. */
  by(): StopSignal | undefined;
  /** From now on Ctrl-C is the system's again. */
  end(): void;
};

/**
 * One press can come twice: the terminal sends it to every process in front, and npm passes on what it got itself.
 * Nobody presses twice within this time, in milliseconds.
 */
const SAME_PRESS = 250;

export function stopRequest(shell: Shell, onFirst: () => void, onSecond: () => void): StopRequest {
  const controller = new AbortController();
  let first: { by: StopSignal; at: number } | undefined;
  const end = shell.onStop((signal) => {
    const now = shell.now();
    if (!first) {
      first = { by: signal, at: now };
      onFirst();
      controller.abort();
    } else if (now - first.at > SAME_PRESS) {
      onSecond();
      shell.exit(exitCodeOf(signal));
    }
  });
  return { signal: controller.signal, by: () => first?.by, end };
}

/** 128 and the signal's number, as shells have it. */
export function exitCodeOf(signal: StopSignal): number {
  return signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
}
