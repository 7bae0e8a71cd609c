/**
 * @file Whose tokens a folder's captions have. A hidden file beside them names the audit by which they were tagged; it is there before the
 * first token is, and goes with the last one. Another audit has another ledger, which would take those tokens for the user's words and put
 * more beside them, and neither could be undone any more: so it is refused.
 */

import { realpath } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { readFields } from "../../data/audit/index.ts";
import { readText } from "../../data/sets/text-file.ts";
import { openLedger } from "../../data/tags/index.ts";
import { type FileCalls, isRefusal, writeFileAtomic } from "../../formats/atomic-write.ts";
import { exists } from "../../formats/exists.ts";
import { isBelow } from "./mirror.ts";
import { isKohyaJson } from "./rows.ts";
import { removeFiles } from "./sidecars.ts";

/** Looks like no caption and no metadata to anybody. */
const NAME = ".illustrious-tags.json";

const FORMAT = "illustrious.tags";

const MAX_TEXT = 2 ** 17;

type Claim = {
  /** The audit's folder, without links. */
  readonly audit: string;
  /** Where the file lay when it was written: elsewhere, it has been moved or copied with its captions. */
  readonly folder: string;
  /** What the last undo said of a caption that it had to leave there. */
  readonly left?: string;
};

export type Claims = {
  /** Of all folders that the shards' captions are in. @throws IllustriousError `bad_option`; `cancelled` */
  check(shards: readonly string[], signal: AbortSignal): Promise<void>;
  /** To be called before a folder's captions get tokens. @throws IllustriousError `bad_option`; `write_failed` */
  claim(folder: string, calls: FileCalls): Promise<void>;
  /**
   * Of folders whose captions have no tokens any more.
   *
   * @param held the others, with what was told of the first caption that keeps each
   * @throws IllustriousError `write_failed`
   */
  release(folders: readonly string[], held: ReadonlyMap<string, string>, calls: FileCalls): Promise<void>;
};

/**
 * @param ledger the audit's, which lies in its folder
 * @param paths what was audited
 */
export async function openClaims(ledger: string, paths: readonly string[]): Promise<Claims> {
  const own = await realpath(dirname(ledger));
  const claimed = new Set<string>();
  let known: Promise<ReadonlySet<string>> | undefined;

  const isLost = async ({ audit }: Claim): Promise<boolean> => !(await exists(join(audit, basename(ledger))));

  /** A claim that forbids to put tokens of this audit into a folder. */
  async function obstacle(folder: string): Promise<Claim | undefined> {
    const claim = await readClaim(folder);
    if (!claim) return undefined;
    const lost = await isLost(claim);
    if (claim.audit === own && claim.folder === folder && !lost) return undefined;
    if (claim.audit !== own && !lost) return claim;
    // The set, or the audit's folder, has been moved: the ledger itself says whether the tokens are its own.
    known ??= taggedFolders(ledger);
    return (await known).has(folder) ? undefined : claim;
  }

  async function refusal(folder: string, claim: Claim): Promise<IllustriousError> {
    const { audit } = claim;
    const remove = `remove ${join(folder, NAME)}: its tokens then count as your own words`;
    if (await isLost(claim)) {
      const message = `${folder}: its captions have tokens of the audit ${audit}, whose ledger is not there any more`;
      return new IllustriousError("bad_option", message, `Bring ${basename(ledger)} back. If it is lost, ${remove}.`);
    }
    if (audit === own) {
      const message = `${folder}: its captions were tagged when they lay in ${claim.folder}`;
      const [from, to] = wayFrom(claim.folder, folder, paths);
      const hint = `If they have been moved, add --moved ${from}=${to} to --undo or --write. If they are a copy, ${remove}.`;
      return new IllustriousError("bad_option", message, hint);
    }
    const message = `${folder}: its captions have tokens of another audit, ${audit}`;
    const undo = `illustrious tag ${audit} --undo`;
    const hint =
      claim.left === undefined
        ? `Take those out first: ${undo}. Or tag by that audit.`
        : `Its undo has left ${claim.left}. Then run it again: ${undo}.`;
    return new IllustriousError("bad_option", message, hint);
  }

  async function checkFolder(folder: string): Promise<void> {
    const claim = await obstacle(folder);
    if (claim) throw await refusal(folder, claim);
  }

  return {
    async check(shards, signal) {
      const seen = new Set<string>();
      for (const path of shards) {
        if (signal.aborted) throw new IllustriousError("cancelled", "stopped before anything was looked at");
        const rows = await readFields(path, ["source", "memberNumber", "captionFile", "captionLine"]);
        for (const { source, memberNumber, captionFile, captionLine } of rows) {
          if (memberNumber !== null) continue;
          const isBeside = captionFile === null || isKohyaJson({ captionFile, line: captionLine });
          const folder = dirname(isBeside ? source : captionFile);
          if (seen.has(folder)) continue;
          seen.add(folder);
          await checkFolder(folder);
        }
      }
    },
    async claim(folder, calls) {
      if (claimed.has(folder)) return;
      await checkFolder(folder);
      const found = await readClaim(folder);
      // Captions are refused there, too, and told.
      const isOther = found?.audit !== own || found.folder !== folder || found.left !== undefined;
      if (isOther) await writeClaim({ audit: own, folder }, folder, calls);
      claimed.add(folder);
    },
    async release(folders, held, calls) {
      for (const [folder, left] of held) {
        const claim = await readClaim(folder);
        if (claim?.audit === own && claim.left !== left) await writeClaim({ ...claim, left }, folder, calls);
      }
      const isOurs = async (folder: string): Promise<boolean> => {
        const claim = await readClaim(folder);
        return claim !== undefined && (claim.audit === own || (await isLost(claim)));
      };
      const files = folders.map((folder) => ({
        ...{ path: join(folder, NAME), isWanted: () => isOurs(folder) },
        // It stays, and the next undo tries again.
        refused: () => {},
      }));
      await removeFiles(files, calls);
    },
  };
}

/** Where that is allowed. @throws IllustriousError `write_failed` */
async function writeClaim({ audit, folder, left }: Claim, place: string, calls: FileCalls): Promise<void> {
  const text = `${JSON.stringify({ format: FORMAT, version: 1, audit, folder, left })}\n`;
  await writeFileAtomic(join(place, NAME), new TextEncoder().encode(text), calls).catch((error: unknown) => {
    if (!isRefusal(error)) throw error;
  });
}

async function readClaim(folder: string): Promise<Claim | undefined> {
  try {
    const claim = JSON.parse(await readText(join(folder, NAME), MAX_TEXT)) as (Claim & { format?: unknown }) | null;
    const isClaim = claim?.format === FORMAT && typeof claim.audit === "string" && typeof claim.folder === "string";
    return isClaim ? claim : undefined;
  } catch {
    return undefined;
  }
}

/** Folders with captions that have tokens, by a ledger. */
async function taggedFolders(path: string): Promise<ReadonlySet<string>> {
  const folders = new Set<string>();
  const ledger = await openLedger(path);
  try {
    for await (const { caption, insertions } of ledger.latest()) {
      if (insertions.length > 0) folders.add(dirname(caption));
    }
  } finally {
    await ledger.close();
  }
  return folders;
}

/** The set's own folder, where a folder within it lies at the same place in both. */
function wayFrom(old: string, now: string, paths: readonly string[]): readonly [from: string, to: string] {
  const root = paths.find((path) => isBelow(now, path));
  const within = root === undefined ? "" : sep + relative(root, now);
  return root !== undefined && old.endsWith(within) ? [old.slice(0, -within.length), root] : [old, now];
}
