/** @file Our tokens out of every caption that the ledger knows. */

import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import type { TagEntry } from "../../data/tags/index.ts";
import type { LeftReason } from "./events.ts";
import { tagMetadata, tellLeft } from "./metadata.ts";
import { isBelow } from "./mirror.ts";
import { openSidecars } from "./sidecars.ts";
import type { Tally } from "./tally.ts";
import type { Work } from "./work.ts";

/** Why tokens may still be in a caption. */
const HELD: readonly LeftReason[] = ["unclear", "unreadable", "unwritable", "written_meanwhile"];

/**
 * @param release is given the folders whose captions have no tokens any more, and those that keep some, with what was told of one
 * @param paths what was audited, for the way out where captions are gone
 * @throws IllustriousError `missing_file` when no caption is there of those that have tokens; `write_failed`; `cancelled`
 */
export async function undoTags(
  given: Work,
  release: (folders: readonly string[], held: ReadonlyMap<string, string>) => Promise<void>,
  audit: string,
  paths: readonly string[],
): Promise<void> {
  const folders = new Set<string>();
  const held = new Map<string, string>();
  const hold = (path: string, why = path): void => {
    if (!held.has(dirname(path))) held.set(dirname(path), why);
  };
  const { ledger, signal } = given;
  const tally = watched(given.tally, (reason, path, message) => {
    if (reason === "unreadable" && metadata.has(path)) unread.set(path, unread.get(path) ?? message);
    else if (HELD.includes(reason)) hold(path, message);
  });
  const work = { ...given, tally };
  const sidecars = openSidecars(work);
  /** Captions with tokens, by their metadata file. */
  const metadata = new Map<string, number>();
  /** Metadata files of which something cannot be read: a line with tokens or, as may be, one that never had any. */
  const unread = new Map<string, string | undefined>();
  const gone = { captions: 0, first: "" };
  let there = 0;

  /** Of so many captions with tokens, those that are not there. */
  function count(tagged: number, missing: number, path: string): void {
    there += tagged - missing;
    if (missing === 0) return;
    gone.captions += missing;
    gone.first ||= path;
    const what = missing === 1 ? "" : `${missing} captions of it are `;
    tally.left("gone", path, `${path}: ${what}not there any more`);
    for (let more = 1; more < missing; more++) tally.left("gone", path);
  }

  for await (const { caption, image, field, insertions } of ledger.latest()) {
    if (signal.aborted) {
      await sidecars.flush();
      throw new IllustriousError(
        "cancelled",
        `stopped after ${tally.counts().images} captions`,
        "Run it again to go on.",
      );
    }
    const tagged = Number(insertions.length > 0);
    folders.add(dirname(caption));
    if (field !== undefined) metadata.set(caption, (metadata.get(caption) ?? 0) + tagged);
    else {
      tally.image([]);
      const isGone = tagged === 1 && (await isMissing(caption));
      count(tagged, Number(isGone), caption);
      if (!isGone) await sidecars.tag({ caption, image, tokens: [] });
    }
  }
  await sidecars.flush();
  for (const [path, tagged] of metadata) {
    if (await isMissing(path)) {
      for (let i = 0; i < tagged; i++) tally.image([]);
      count(tagged, tagged, path);
      continue;
    }
    const found = new Set<string>();
    const tokensOf = async (line: number, image: string): Promise<readonly string[] | undefined> => {
      const entries = await ledger.ofLine(path, image, line);
      if (entries.length === 0) return undefined;
      const one = entries.find((entry) => entry.insertions.length > 0 && !found.has(keyOf(entry)));
      if (one) found.add(keyOf(one));
      tally.image([]);
      return [];
    };
    await tagMetadata(path, { above: 0, more: () => true, tokensOf }, work).then(
      () => count(tagged, tagged - found.size, path),
      (error: unknown) => tellLeft(path, error, work),
    );
    if (unread.has(path) && found.size < tagged) hold(path, unread.get(path));
  }
  await release(
    [...folders].filter((folder) => !held.has(folder)),
    held,
  );
  if (gone.captions > 0 && there === 0) throw nothingThere(ledger.path, gone, audit, paths);
}

const keyOf = ({ image, line }: TagEntry): string => `${line}\n${image}`;

/** A tally that tells of every caption that is left. */
function watched(tally: Tally, told: (reason: LeftReason, path: string, message?: string) => void): Tally {
  return {
    ...tally,
    left(reason, path, message) {
      told(reason, path, message);
      tally.left(reason, path, message);
    },
    takeBack(before, after, reason, path, message) {
      told(reason, path, message);
      tally.takeBack(before, after, reason, path, message);
    },
  };
}

/** What may not be looked at is there, for all one knows; reading it will tell. */
async function isMissing(path: string): Promise<boolean> {
  return stat(path).then(
    () => false,
    ({ code }: NodeJS.ErrnoException) => code === "ENOENT" || code === "ENOTDIR",
  );
}

function nothingThere(
  ledger: string,
  { captions, first }: { readonly captions: number; readonly first: string },
  audit: string,
  paths: readonly string[],
): IllustriousError {
  const root = paths.find((path) => isBelow(first, path)) ?? dirname(first);
  const message = `${ledger}: none of its ${captions} captions with tokens is there, such as ${first}`;
  const hint = `Nothing was changed. If the set has been moved: illustrious tag ${audit} --undo --moved ${root}=NEW, with the folder where it is now.`;
  return new IllustriousError("missing_file", message, hint);
}
