/** @file How many threads an engine gets: what is asked for, as far as that can help. */

import { availableParallelism } from "node:os";

/** Threads a core, above which they do nothing but wait for each other: at a hundred times, a step takes minutes. */
const MOST_PER_CORE = 4;

export type EngineThreads = {
  readonly threads: number;
  /** When fewer are used than were asked for. */
  readonly warning?: { readonly message: string; readonly hint: string };
};

/** @param asked a thread a core if not given */
export function engineThreads(asked: number | undefined, cores: number = availableParallelism()): EngineThreads {
  const most = MOST_PER_CORE * cores;
  if (asked === undefined) return { threads: cores };
  if (asked <= most) return { threads: asked };
  return {
    threads: most,
    warning: {
      message: `${asked} threads are asked for; ${most} are used, ${MOST_PER_CORE} for each of ${cores} cores`,
      hint: `More only wait for each other; ${cores} is usually fastest.`,
    },
  };
}
