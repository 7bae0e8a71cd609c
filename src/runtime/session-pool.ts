/** @file Several sessions of one graph as one: runs that are asked for together go through them beside each other. */

import { releaseAll, type Session } from "./runtime.ts";

/** @param sessions that run without blocking (`src/runtime/onnx/threaded.ts`) */
export function sessionPool(sessions: readonly Session[]): Session {
  const last: Promise<unknown>[] = sessions.map(() => Promise.resolve());
  let turn = 0;
  return {
    run(feeds, outputs) {
      const i = turn++ % sessions.length;
      const result = last[i]!.then(() => sessions[i]!.run(feeds, outputs));
      last[i] = result.catch(() => {});
      return result;
    },
    release: () => releaseAll(sessions),
  };
}
