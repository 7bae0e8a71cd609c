/** @file Whether something lies at a path. */

import { stat } from "node:fs/promises";

/** A file, a folder or anything else; not where it may not be looked. */
export function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
