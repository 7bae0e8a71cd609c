/**
 * @file Files that appear whole or not at all: written beside their place, flushed to the disk, then renamed.
 *
 * A reader, or the machine after a power cut, sees the old file or the new one. What a killed process leaves behind is a
 * file that ends in `.tmp`; `removeStrayTemporaries` clears those away.
 */

import { createHash, randomBytes } from "node:crypto";
import { type FileHandle, link, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { IllustriousError } from "../base/error.ts";

/** Where the content goes. */
export type Sink = {
  /** Appends; it may be called any number of times. */
  write(bytes: Uint8Array): Promise<void>;
  /** Puts other bytes in place of as many at the file's start, such as a header that tells of what follows. */
  rewriteStart(bytes: Uint8Array): Promise<void>;
};

/** The calls by which a file comes to be, replaceable so that tests can make each of them fail. */
export type FileCalls = {
  open(path: string): Promise<FileHandle>;
  /** @param at bytes from the file's start; behind what was written last if not given */
  write(file: FileHandle, bytes: Uint8Array, at?: number): Promise<number>;
  sync(file: FileHandle): Promise<void>;
  close(file: FileHandle): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  syncFolder(path: string): Promise<void>;
};

/** Node fails above 2 GiB in one call. */
const MAX_WRITE = 2 ** 30;

export const systemCalls: FileCalls = {
  open: (path) => open(path, "wx"),
  write: async (file, bytes, at) =>
    (await file.write(bytes, 0, Math.min(bytes.length, MAX_WRITE), at ?? null)).bytesWritten,
  sync: (file) => file.sync(),
  close: (file) => file.close(),
  rename,
  unlink,
  async syncFolder(path) {
    // Windows cannot open a folder, and its renames are journalled.
    if (process.platform === "win32") return;
    const folder = await open(path, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
};

/** Temporaries of this process that are being written now. */
const ours = new Set<string>();

/**
 * Writes a file of any size. The folder must exist. A symbolic link at `path` is replaced, not followed.
 *
 * @param content the bytes, or a function that writes them piece by piece
 * @throws IllustriousError `write_failed`; whatever `content` throws. Either way the old file, if any, is as it was,
 * unless only the folder's last flush failed: then the new one is in place, but a power cut might still undo it
 */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | ((sink: Sink) => Promise<void>),
  calls: FileCalls = systemCalls,
): Promise<void> {
  await replaceFile({ path, content, calls });
  await guard(path, () => calls.syncFolder(dirname(path)));
}

export type FileToWrite = {
  readonly path: string;
  readonly content: Uint8Array | ((sink: Sink) => Promise<void>);
  readonly calls: FileCalls;
  /** Asked when all is written: without it, the old file stays. */
  readonly isWanted?: () => Promise<boolean>;
  /** Told where this file may not be written (`isRefusal`), which is an error otherwise. */
  readonly refused?: (error: IllustriousError) => void;
};

/** One place's matter and not the disk's: no permission, a read-only place, or a folder that is gone. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof IllustriousError) || error.code !== "write_failed") return false;
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
  return code !== undefined && ["EACCES", "EPERM", "EROFS", "ENOENT", "ENOTDIR"].includes(code);
}

/**
 * Many files as `writeFileAtomic` writes one: at once, and with one flush a folder.
 *
 * @throws IllustriousError `write_failed`, the first one; each file is the old or the new one then, whole
 */
export async function writeFilesAtomic(files: readonly FileToWrite[]): Promise<void> {
  const written = await Promise.allSettled(files.map(replaceFile));
  const folders = new Map<string, FileCalls>();
  const failed: unknown[] = [];
  for (const [i, one] of written.entries()) {
    const { path, calls, refused } = files[i]!;
    if (one.status === "fulfilled") folders.set(dirname(path), calls);
    else if (refused && isRefusal(one.reason)) refused(one.reason as IllustriousError);
    else failed.push(one.reason);
  }
  if (failed.length > 0) throw failed[0];
  for (const [folder, calls] of folders) await guard(folder, () => calls.syncFolder(folder));
}

async function replaceFile({ path, content, calls, isWanted }: FileToWrite): Promise<void> {
  const temporary = join(dirname(path), temporaryName(basename(path)));
  ours.add(temporary);
  try {
    await writeWhole(temporary, path, fillerOf(content), calls);
    if (isWanted && !(await isWanted())) await guard(path, () => calls.unlink(temporary));
    else await guard(path, () => calls.rename(temporary, path));
  } catch (error) {
    // The first error is the one to tell; a temporary that stays is cleared away later.
    await calls.unlink(temporary).catch(() => {});
    throw error;
  } finally {
    ours.delete(temporary);
  }
}

/** Beside those of a file that may replace another. */
export type ClaimCalls = FileCalls & {
  /** Fails with EEXIST where something has the name. */
  link(from: string, to: string): Promise<void>;
};

/**
 * Writes a file whole under the first name that is free, and replaces nothing, whoever else writes there at the same time.
 *
 * @param pathOf names in one folder; asked for the next, counted from 0, where one is taken
 * @returns the path that it has
 * @throws IllustriousError `write_failed`, as `writeFileAtomic`
 */
export async function writeFirstFree(
  pathOf: (attempt: number) => string,
  content: Uint8Array,
  calls: ClaimCalls = { ...systemCalls, link },
): Promise<string> {
  let path = pathOf(0);
  const temporary = join(dirname(path), temporaryName(basename(path)));
  ours.add(temporary);
  try {
    await writeWhole(temporary, path, fillerOf(content), calls);
    for (let attempt = 1; !(await guard(path, () => takesName(temporary, path, calls))); attempt++)
      path = pathOf(attempt);
  } catch (error) {
    await calls.unlink(temporary).catch(() => {});
    throw error;
  } finally {
    ours.delete(temporary);
  }
  await guard(path, () => calls.syncFolder(dirname(path)));
  return path;
}

/** Whether the written file has the name now, which nothing had. */
async function takesName(temporary: string, path: string, calls: ClaimCalls): Promise<boolean> {
  const isTaken = (error: unknown) => (error as NodeJS.ErrnoException).code === "EEXIST";
  try {
    await calls.link(temporary, path);
    // One that stays is cleared away later.
    await calls.unlink(temporary).catch(() => {});
    return true;
  } catch (error) {
    if (isTaken(error)) return false;
  }
  // FAT and some network drives have no links: an empty file keeps the name until the whole one is in its place.
  let kept: FileHandle;
  try {
    kept = await calls.open(path);
  } catch (error) {
    if (isTaken(error)) return false;
    throw error;
  }
  try {
    await calls.close(kept);
    await calls.rename(temporary, path);
  } catch (error) {
    await calls.unlink(path).catch(() => {});
    throw error;
  }
  return true;
}

/**
 * Writes a file that is not there yet, flushed to the disk, into a folder that appears as a whole later.
 *
 * @throws IllustriousError `write_failed`; whatever `content` throws
 */
export function writeNewFile(
  path: string,
  content: Uint8Array | ((sink: Sink) => Promise<void>),
  calls: FileCalls = systemCalls,
): Promise<void> {
  return writeWhole(path, path, fillerOf(content), calls);
}

function fillerOf(content: Uint8Array | ((sink: Sink) => Promise<void>)): (sink: Sink) => Promise<void> {
  return typeof content === "function" ? content : (sink) => sink.write(content);
}

async function writeWhole(
  temporary: string,
  path: string,
  fill: (sink: Sink) => Promise<void>,
  calls: FileCalls,
): Promise<void> {
  const file = await guard(path, () => calls.open(temporary));
  try {
    await fill({
      write: (bytes) => guard(path, () => writeAll(file, bytes, calls)),
      rewriteStart: (bytes) => guard(path, () => writeAll(file, bytes, calls, 0)),
    });
    await guard(path, () => calls.sync(file));
  } catch (error) {
    await calls.close(file).catch(() => {});
    throw error;
  }
  await guard(path, () => calls.close(file));
}

async function writeAll(file: FileHandle, bytes: Uint8Array, calls: FileCalls, place?: number): Promise<void> {
  for (let at = 0; at < bytes.length; )
    at += await calls.write(file, bytes.subarray(at), place === undefined ? undefined : place + at);
}

/** Does what writes to a file, and says of which file it was where that fails. An error of ours is told as it is. */
export async function guard<T>(path: string, call: () => Promise<T>, otherwise?: string): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw error instanceof IllustriousError ? error : writeFailed(path, error, otherwise);
  }
}

/**
 * What the system said, with the way out.
 *
 * @param otherwise the way out where the error's code says nothing
 */
export function writeFailed(path: string, error: unknown, otherwise = OLD_ONE_STAYS): IllustriousError {
  const code = (error as NodeJS.ErrnoException).code ?? "unknown";
  const message = `${path}: cannot be written (${error instanceof Error ? error.message : error})`;
  return new IllustriousError("write_failed", message, hints.get(code) ?? otherwise, { cause: error });
}

const hints = new Map([
  ["ENOSPC", "The disk is full: free some room, or write to another disk."],
  ["EACCES", "You may not write there: choose another folder, or change the folder's permissions."],
  ["EPERM", "You may not write there: choose another folder, or change the folder's permissions."],
  ["EROFS", "That disk is read-only: choose another folder."],
  ["ENAMETOOLONG", "Choose a shorter name."],
  ["ENOENT", "The folder does not exist: make it first."],
]);

const OLD_ONE_STAYS = "The file that was there before, if any, is unchanged. Check the disk, then try again.";

/** Eight letters for the machine, since a process number means nothing on another machine that shares the folder. */
const machine = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);

const TEMPORARY = /\.([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.tmp$/;

function temporaryName(name: string): string {
  // Names end at 255 bytes on most file systems, and this adds at most 35 to them.
  const short = Buffer.from(name)
    .subarray(0, 200)
    .toString("utf8")
    .replace(/\ufffd+$/, "");
  return `.${short}.${machine}-${process.pid}-${randomBytes(6).toString("hex")}.tmp`;
}

const DAY_MS = 24 * 3600 * 1000;

/**
 * Deletes what killed processes left in a folder: temporaries of this machine's dead processes at once, those of others
 * (another machine's, or a process number in use again) when they are a day old.
 *
 * @returns the deleted paths
 */
export async function removeStrayTemporaries(folder: string): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await readdir(folder)) {
    const [, host, pid] = TEMPORARY.exec(name) ?? [];
    if (host === undefined || pid === undefined) continue;
    const path = join(folder, name);
    if (ours.has(path) || !(isDead(host, Number(pid)) || (await isOld(path)))) continue;
    // Another process may be clearing up too.
    const gone = await unlink(path).then(
      () => true,
      () => false,
    );
    if (gone) removed.push(path);
  }
  return removed;
}

function isDead(host: string, pid: number): boolean {
  if (host !== machine) return false;
  // Our own number, but not one of our files: a process before us had the same number, as happens in containers.
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

async function isOld(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > DAY_MS;
}
