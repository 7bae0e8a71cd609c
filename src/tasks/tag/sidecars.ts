/** @file Captions in files beside images: read as they are, and replaced a handful at a time, after the ledger knows of them. */

import { lstatSync, realpathSync } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { CAPTION_ENDINGS } from "../../data/audit/index.ts";
import { readSmallText } from "../../data/sets/text-file.ts";
import { type CaptionPlan, type Ledger, planCaption } from "../../data/tags/index.ts";
import { type FileCalls, type FileToWrite, isRefusal, writeFilesAtomic } from "../../formats/atomic-write.ts";
import { exists } from "../../formats/exists.ts";
import type { LeftReason } from "./events.ts";
import type { Tally } from "./tally.ts";
import type { Work } from "./work.ts";

const MAX_CAPTION = 2 ** 20;

/** Captions between two flushes of the ledger, which are then written at once. */
const TOGETHER = 256;

/**
 * To the letter, a byte order mark included.
 *
 * @returns `undefined` where there is no file
 * @throws IllustriousError `bad_file` for one that cannot be read, is too long or not UTF-8
 */
export async function readCaption(path: string): Promise<string | undefined> {
  try {
    return readSmallText(path, MAX_CAPTION);
  } catch (error) {
    if (error instanceof IllustriousError && error.code === "missing_file") return undefined;
    throw error;
  }
}

export type SidecarPlace =
  /** `path` by which the ledger knows it: without links, so that two names of one file are one caption. */
  { readonly name: string; readonly path: string } | { readonly left: LeftReason; readonly message: string };

/**
 * The file that an image's caption is in, or will be: the one that was audited, one that has come since, or a new `.txt`. Where the audit saw a
 * file and there is none, nothing is put in its place: the image's words may be elsewhere by now.
 */
export async function sidecarOf(
  image: string,
  audited: string | null,
  { ledger }: Pick<Work, "ledger">,
): Promise<SidecarPlace> {
  const names = CAPTION_ENDINGS.map((ending) => beside(image, ending));
  for (const name of audited === null ? names : [audited, ...names]) {
    const found = fileAt(name);
    if (found === "link to nothing") return { left: "unreadable", message: `${name}: a link to nothing` };
    if (found === undefined) continue;
    // Links were known by their own names before.
    const known = found !== name && !(await ledger.find(found, image)) && (await ledger.find(name, image));
    return { name, path: known ? name : found };
  }
  if (audited !== null) return { left: "set_changed", message: `${audited}: not there any more; audit again` };
  if (!fileAt(dirname(image))) return { left: "unreadable", message: `${dirname(image)}: not there` };
  const name = beside(image, ".txt");
  return { name, path: name };
}

/** An image's name with another ending. */
export const beside = (image: string, ending: string): string =>
  image.slice(0, image.length - extname(image).length) + ending;

/** Where a file really is; none where there is none. Whatever else is wrong, reading it will tell. */
function fileAt(path: string): string | "link to nothing" | undefined {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (!found?.isSymbolicLink()) return found && path;
  } catch {
    return path;
  }
  try {
    return realpathSync(path);
  } catch {
    return "link to nothing";
  }
}

export type SidecarAsked = {
  readonly caption: string;
  readonly image: string;
  readonly fresh?: string;
  /** None to take ours out. */
  readonly tokens: readonly string[];
};

type Change = Extract<CaptionPlan, { type: "change" }>;

type SidecarWork = Pick<Work, "ledger" | "tally" | "place" | "thresholds">;

/** @returns `undefined` for a caption that is left, which is told */
export async function planSidecar(
  { caption, image, fresh, tokens }: SidecarAsked,
  { ledger, tally, place, thresholds }: SidecarWork,
): Promise<Exclude<CaptionPlan, { type: "unclear" }> | undefined> {
  const entry = await ledger.find(caption, image);
  if (entry && entry.image !== image && entry.insertions.length > 0 && (await exists(entry.image))) {
    leaveShared(caption, image, entry.image, tally);
    return undefined;
  }
  let current: string | undefined;
  try {
    current = await readCaption(caption);
  } catch (error) {
    if (!(error instanceof IllustriousError)) throw error;
    tally.left("unreadable", caption, error.message);
    return undefined;
  }
  const asked = { caption, image, current, tokens, place, ...(fresh !== undefined && { fresh }) };
  const plan = planCaption({ ...asked, ...(thresholds !== undefined && { thresholds }) }, entry);
  if (plan.type !== "unclear") return plan;
  tally.left("unclear", caption, unclear(caption));
  return undefined;
}

function leaveShared(caption: string, image: string, other: string, tally: Tally): void {
  tally.left("shared", image, `${image}: its caption ${caption} is that of ${other}, too`);
}

export type Sidecars = {
  tag(asked: SidecarAsked): Promise<void>;
  /** Writes what is planned. */
  flush(): Promise<void>;
};

export function openSidecars(work: Work): Sidecars {
  const { ledger, tally, calls, sweep, claim } = work;
  let planned = new Map<string, Change>();
  /** What a dry run would change in the folder at hand, and for which image: no ledger learns of it. */
  let foreseen = { folder: "", images: new Map<string, string>() };

  async function flush(): Promise<void> {
    const changes = planned;
    planned = new Map();
    if (!calls) return;
    for (const folder of new Set([...changes.keys()].map((path) => dirname(path)))) {
      await sweep(folder);
      await claim?.(folder);
    }
    await writeAll([...changes.values()], ledger, tally, calls);
  }

  return {
    flush,
    async tag(asked) {
      const { caption, image } = asked;
      // Of two images with one caption, the second one must see what the first has done.
      const file = fileAt(caption) ?? caption;
      const first = foreseen.images.get(file);
      if (first !== undefined) return leaveShared(caption, image, first, tally);
      if (planned.has(file)) await flush();
      const plan = await planSidecar(asked, work);
      if (plan?.type === "same") tally.same();
      if (plan?.type !== "change") return;
      tally.change(caption, image, plan.current, plan.after);
      if (!calls) {
        const folder = dirname(file);
        if (foreseen.folder !== folder) foreseen = { folder, images: new Map() };
        foreseen.images.set(file, image);
        return;
      }
      planned.set(file, plan);
      if (planned.size >= TOGETHER) await flush();
    },
  };
}

export function unclear(caption: string): string {
  return `${caption}: changed since it was tagged, so that our tokens cannot be told from other words; take them out by hand`;
}

async function writeAll(changes: readonly Change[], ledger: Ledger, tally: Tally, calls: FileCalls): Promise<void> {
  const entries = changes.map(({ entry }) => entry());
  await ledger.append(entries);
  const places = await Promise.all(
    changes.map(async (change, i) => {
      const { caption } = entries[i]!;
      const path = await realpath(caption).catch(() => caption);
      const isWanted = async (): Promise<boolean> => {
        if ((await readCaption(path).catch(() => null)) === change.current) return true;
        const why = `${caption}: written by another program meanwhile; run again`;
        tally.takeBack(change.current, change.after, "written_meanwhile", caption, why);
        return false;
      };
      const refused = ({ message }: IllustriousError): void =>
        tally.takeBack(change.current, change.after, "unwritable", caption, message);
      return { path, after: change.after, isWanted, refused };
    }),
  );
  const files = places.flatMap(async ({ path, after, isWanted, refused }) => {
    if (after === undefined) return [];
    const content = new TextEncoder().encode(after);
    return [{ path, content, calls: await keepingOwner(path, calls), isWanted, refused }];
  });
  await writeFilesAtomic((await Promise.all(files)).flat());
  await removeFiles(
    places.filter(({ after }) => after === undefined),
    calls,
  );
}

type Place = Pick<FileToWrite, "path"> & Required<Pick<FileToWrite, "isWanted" | "refused">>;

/** Each that is still wanted to go, with one flush a folder. @throws IllustriousError `write_failed` */
export async function removeFiles(places: readonly Place[], calls: FileCalls): Promise<void> {
  const folders = new Set<string>();
  for (const { path, isWanted, refused } of places) {
    if (!(await isWanted())) continue;
    try {
      await calls.unlink(path);
      folders.add(dirname(path));
    } catch (cause) {
      const error = notRemoved(path, cause);
      if (!isRefusal(error)) throw error;
      refused(error);
    }
  }
  for (const folder of folders) {
    await calls.syncFolder(folder).catch((cause: unknown) => {
      throw notRemoved(folder, cause);
    });
  }
}

function notRemoved(path: string, cause: unknown): IllustriousError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const hint = "Check the folder's permissions, then run it again.";
  return new IllustriousError("write_failed", `${path}: cannot be removed (${why})`, hint, { cause });
}

/** A caption that only some may read stays so, and stays its owner's where this process may give files away. */
export async function keepingOwner(path: string, calls: FileCalls): Promise<FileCalls> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return calls;
  const { mode, uid, gid } = found;
  const isOwn = uid === process.getuid?.() && gid === process.getgid?.();
  return {
    ...calls,
    async open(temporary) {
      const file = await calls.open(temporary);
      if (!isOwn) await file.chown(uid, gid).catch(() => {});
      await file.chmod(mode & 0o777);
      return file;
    },
  };
}
