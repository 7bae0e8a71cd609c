/** @file Opening files of unknown origin for reading: only regular ones, never waiting, with errors that name the file. */

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { IllustriousError } from "../base/error.ts";

/** Node reads at most 2 GiB in one call. */
const MAX_READ = 2 ** 30;

/**
 * Opens a file for the time of `use`. Symbolic links are followed; folders, pipes and devices are refused.
 *
 * @throws IllustriousError `missing_file`; `bad_file`
 */
export async function withRegularFile<T>(
  path: string,
  use: (handle: FileHandle, size: number, mtimeMs: number) => Promise<T>,
): Promise<T> {
  const { handle, size, mtimeMs } = await openRegularFile(path);
  try {
    return await use(handle, size, mtimeMs);
  } finally {
    await handle.close();
  }
}

/** As `withRegularFile`, for callers that close the file themselves. */
export async function openRegularFile(path: string): Promise<{ handle: FileHandle; size: number; mtimeMs: number }> {
  const handle = await openWithoutWaiting(path);
  try {
    const found = await handle.stat();
    if (found.isFile()) return { handle, size: found.size, mtimeMs: found.mtimeMs };
    throw notRegular(path);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * A small file, whole, while everything else waits: four trips to other threads take several times as long as the reading.
 *
 * @param refuse the error for a file of so many bytes, if it is not to be read
 * @throws IllustriousError `missing_file`; `bad_file`
 */
export function readSmallFile(path: string, refuse: (size: number) => IllustriousError | undefined): Uint8Array {
  let file: number;
  try {
    file = openSync(path, FLAGS);
  } catch (error) {
    throw notOpened(path, error);
  }
  try {
    const found = fstatSync(file);
    if (!found.isFile()) throw notRegular(path);
    const refused = refuse(found.size);
    if (refused) throw refused;
    const bytes = new Uint8Array(found.size);
    for (let at = 0; at < bytes.length; ) {
      const read = readNow(file, bytes, at, path);
      if (read === 0) throw shortened(path, at, bytes.length);
      at += read;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

function readNow(file: number, bytes: Uint8Array, at: number, path: string): number {
  try {
    return readSync(file, bytes, at, bytes.length - at, at);
  } catch (error) {
    throw notRead(path, error);
  }
}

/** A disk, or a share, that does not give what is there. */
export function notRead(path: string, error: unknown): IllustriousError {
  const { code } = error as NodeJS.ErrnoException;
  return new IllustriousError("bad_file", `${path}: cannot be read (${code})`, "Check the disk.", { cause: error });
}

/** What the system did not let be opened or read, and not damage: the next look may find it whole. */
export const isOfTheDisk = (error: IllustriousError): boolean =>
  error.code === "bad_file" && (error.cause as NodeJS.ErrnoException | undefined)?.code !== undefined;

function notRegular(path: string): IllustriousError {
  return new IllustriousError("bad_file", `${path}: not a regular file`, "Name the file itself.");
}

/**
 * Exactly `length` bytes from `offset`, in a buffer of their own.
 *
 * @throws IllustriousError `bad_file` when the file ends before
 */
export async function readAt(handle: FileHandle, offset: number, length: number, path: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await handle
      .read(bytes, at, Math.min(length - at, MAX_READ), offset + at)
      .catch((error: unknown) => {
        throw notRead(path, error);
      });
    if (bytesRead === 0) throw shortened(path, offset + at, offset + length);
    at += bytesRead;
  }
  return bytes;
}

/** A file that ends at `at`, though it was longer when it was opened. */
export function shortened(path: string, at: number, expected: number): IllustriousError {
  const hint = "Something shortened the file while it was read; start again.";
  return new IllustriousError("bad_file", `${path}: ends at byte ${at}, not ${expected}`, hint);
}

/** Without O_NONBLOCK (Windows has none), opening a named pipe would wait for a writer for ever. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

function openWithoutWaiting(path: string): Promise<FileHandle> {
  return open(path, FLAGS).catch((error: unknown) => {
    throw notOpened(path, error);
  });
}

function notOpened(path: string, error: unknown): IllustriousError {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new IllustriousError("missing_file", `${path}: no such file`, "Check the path.", { cause: error });
  }
  const hint = "Check the file's permissions.";
  return new IllustriousError("bad_file", `${path}: cannot be opened (${code})`, hint, { cause: error });
}
