/** @file A ledger whose set lies in another place now than when it was tagged. */

import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { openLedger } from "../../data/tags/index.ts";
import type { FileCalls } from "../../formats/atomic-write.ts";
import { isBelow } from "./mirror.ts";

/**
 * The ledger's captions from one folder into another. Done once, it is done: the same call again changes nothing.
 *
 * @param moved `OLD=NEW`
 * @throws IllustriousError `missing_file` where there is no new folder; `bad_option` for an old one that the ledger does not know;
 * `write_failed`, with the ledger as it was
 */
export async function moveLedger(path: string, moved: string, calls: FileCalls): Promise<void> {
  const [from, to] = await foldersIn(moved);
  const ledger = await openLedger(path, calls);
  try {
    let first: string | undefined;
    let isDone = false;
    let isThere = false;
    for await (const { caption } of ledger.latest()) {
      first ??= caption;
      isThere = isBelow(caption, from);
      if (isThere) break;
      isDone ||= isBelow(caption, to);
    }
    if (isThere) return await ledger.move(from, to);
    if (isDone) return;
    const hint = first === undefined ? "Nothing was tagged by this audit." : `It knows captions such as ${first}.`;
    throw new IllustriousError("bad_option", `moved ${moved}: ${path} has no caption below ${from}`, hint);
  } finally {
    await ledger.close();
  }
}

/** Both may have an equals sign in their names: it is parted where the second one is a folder. */
async function foldersIn(moved: string): Promise<readonly [from: string, to: string]> {
  for (let at = moved.indexOf("=", 1); at !== -1; at = moved.indexOf("=", at + 1)) {
    const to = resolve(moved.slice(at + 1));
    const isFolder = await stat(to).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (isFolder && at + 1 < moved.length) return [resolve(moved.slice(0, at)), to];
  }
  const hint = "Say OLD=NEW: where the set was when it was tagged, and the folder where it is now.";
  throw new IllustriousError("missing_file", `moved ${moved}: no such folder`, hint);
}
