/**
 * @file Whether pictures can be written where they are wanted, asked before the work and answered by trying: permissions,
 * read-only disks and the kernel's own folders are all found that way. Folders are made step by step, for Node's recursive
 * `mkdir` never returns where a file system says of every folder that it has no such entry (`/proc`).
 */

import { mkdir, mkdtemp, readlink, realpath, rmdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { IllustriousError } from "../base/error.ts";
import { writeFailed } from "../formats/atomic-write.ts";

/**
 * Leaves everything as it was.
 *
 * @throws IllustriousError `write_failed` when files cannot be made in this folder, or the folder itself cannot
 */
export async function checkFolder(folder: string): Promise<void> {
  const { existing } = await ancestorsOf(folder);
  // A folder of ours in the nearest one that is there, and away with it.
  const trial = await guard(folder, () => mkdtemp(join(existing, ".illustrious-")));
  await guard(folder, () => rmdir(trial));
}

/**
 * Leaves everything as it was.
 *
 * @returns where the file is to be written: through symbolic links, which stay what they are
 * @throws IllustriousError `write_failed` when no file can be put there, also when a folder, a pipe or a device has that name
 */
export async function checkFile(path: string): Promise<string> {
  const found = await kindOf(path);
  if (found === "folder") throw failed(path, "it is a folder", "Name a file in it.");
  if (found === "other") {
    throw failed(
      path,
      "it is a pipe, a socket or a device",
      "Name a file: it is written beside its place, then renamed.",
    );
  }
  const place = await guard(path, () => throughLinks(path));
  await checkFolder(dirname(place));
  return place;
}

/** As many links in a row as Linux follows. */
const MOST_LINKS = 40;

/** Also where the last link's target is not there yet. */
async function throughLinks(path: string): Promise<string> {
  let at = resolve(path);
  for (let followed = 0; followed < MOST_LINKS; followed++) {
    // A link is read from where it really lies.
    const folder = await realpath(dirname(at)).catch(() => dirname(at));
    at = join(folder, basename(at));
    const target = await readlink(at).catch(() => undefined);
    if (target === undefined) return at;
    at = resolve(folder, target);
  }
  throw new Error("too many symbolic links");
}

/**
 * Makes a folder with all that is above it, if need be.
 *
 * @throws IllustriousError `write_failed`
 */
export async function makeFolder(folder: string): Promise<void> {
  const { missing } = await ancestorsOf(folder);
  for (const one of missing) {
    await guard(folder, () =>
      mkdir(one).catch(async (error: NodeJS.ErrnoException) => {
        // Another process may be quicker.
        if (error.code !== "EEXIST" || (await kindOf(one)) !== "folder") throw error;
      }),
    );
  }
}

/** The nearest folder that is there, and those below it that are not, in the order in which they can be made. */
async function ancestorsOf(folder: string): Promise<{ existing: string; missing: string[] }> {
  const missing: string[] = [];
  for (let at = resolve(folder); ; at = dirname(at)) {
    const kind = await kindOf(at);
    if (kind === "folder") return { existing: at, missing };
    if (kind !== undefined) throw failed(folder, `${at} is a file`, "Choose another folder, or rename that file.");
    if (at === dirname(at)) throw failed(folder, `there is no ${at}`, "Choose another folder.");
    missing.unshift(at);
  }
}

async function kindOf(path: string): Promise<"folder" | "file" | "other" | undefined> {
  try {
    const found = await stat(path);
    return found.isDirectory() ? "folder" : found.isFile() ? "file" : "other";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Below a file nothing can be; what stands in the way is found further up.
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw explained(path, error);
  }
}

async function guard<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw explained(path, error);
  }
}

/** Where the system says so of a folder that is to be made, there is none to be made first. */
function explained(path: string, error: unknown): IllustriousError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return failed(path, message, "Folders cannot be made there: choose another.", error);
  return writeFailed(path, error, "Choose another folder.");
}

function failed(path: string, why: string, hint: string, cause?: unknown): IllustriousError {
  return new IllustriousError("write_failed", `${path}: cannot be written (${why})`, hint, { cause });
}
