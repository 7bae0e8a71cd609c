/** @file What killed runs left beside captions: half-written files, cleared away when a folder is first written to. */

import { removeStrayTemporaries } from "../../formats/atomic-write.ts";

/** @returns to be called with a folder as often as is convenient; it looks through each once */
export function leftoverSweeper(): (folder: string) => Promise<void> {
  const seen = new Set<string>();
  return async (folder) => {
    if (seen.has(folder)) return;
    seen.add(folder);
    // One that cannot be listed may still be written to.
    await removeStrayTemporaries(folder).catch(() => []);
  };
}
