/**
 * @file A folder that comes to be as a whole: made beside its place, then renamed. A file in it says whose it is, so that only what
 * this program has made, and nobody has changed since, is ever replaced.
 */

import { readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { type FileCalls, writeFileAtomic } from "../../formats/atomic-write.ts";
import { exists } from "../../formats/exists.ts";
import { makeFolder } from "../output-place.ts";

/** Name of the file that says what made a folder. */
export const MARK = "tagged.json";

const FORMAT = "illustrious.tagged";

/** How a folder was made: `kind`, and what else is worth telling. */
export type Mark = { readonly kind: "copy" | "archives"; readonly [name: string]: unknown };

/** @throws IllustriousError `write_failed` */
export async function writeMark(folder: string, mark: Mark, calls: FileCalls): Promise<void> {
  const text = `${JSON.stringify({ format: FORMAT, version: 1, ...mark }, null, 2)}\n`;
  await writeFileAtomic(join(folder, MARK), new TextEncoder().encode(text), calls);
}

/** Whether a folder is one of this program's, of a kind; also one that has nothing in it yet, or a half-written mark. */
export async function isOurs(folder: string, kind: Mark["kind"]): Promise<boolean> {
  const text = await readFile(join(folder, MARK), "utf8").catch(() => undefined);
  if (text === undefined) {
    const names = await readdir(folder).catch(() => ["?"]);
    return names.every((name) => name.startsWith(`.${MARK}.`));
  }
  try {
    const mark = JSON.parse(text) as { format?: unknown; kind?: unknown } | null;
    return mark?.format === FORMAT && mark.kind === kind;
  } catch {
    return false;
  }
}

/**
 * @param fill makes the folder's content, and returns those of its folders that are to be flushed
 * @throws IllustriousError `bad_option` where something else is in its place; `write_failed`; what `fill` throws. Then the old folder,
 * if any, is as it was
 */
export async function buildFolder(
  out: string,
  mark: Mark,
  calls: FileCalls,
  fill: (next: string) => Promise<Iterable<string>>,
): Promise<void> {
  const [next, old] = [`${out}.next`, `${out}.old`];
  for (const folder of [out, next, old]) {
    if ((await exists(folder)) && !(await isOurs(folder, mark.kind))) throw taken(folder);
  }
  if (await exists(out)) {
    await refuseChanged(out);
    // What a killed run had not yet taken away.
    await removeOurs(old);
  }
  await removeOurs(next);
  await makeFolder(next);
  try {
    await writeMark(next, { ...mark, complete: false }, calls);
    for (const folder of await fill(next)) await calls.syncFolder(folder);
    // The last file: what is younger is not ours.
    await writeMark(next, { ...mark, complete: true }, calls);
    if (await exists(out)) await rename(out, old);
    await calls.rename(next, out);
    await calls.syncFolder(dirname(out));
  } catch (error) {
    if (!(await exists(out)) && (await exists(old))) await rename(old, out);
    await removeOurs(next);
    throw error;
  }
  await removeOurs(old);
}

/** Its mark last, so that what a killed run leaves of it is still known to be ours. */
async function removeOurs(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => one !== MARK))
    await rm(join(folder, name), { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
}

export function taken(folder: string): IllustriousError {
  const hint = "Name a folder that is not there yet: only what this command has made is replaced.";
  return new IllustriousError("bad_option", `${folder}: is there already, with other things in it`, hint);
}

/** What somebody has changed or put in since must not be lost with the copy. A file with a second name is an image of the set. */
async function refuseChanged(folder: string): Promise<void> {
  const made = await stat(join(folder, MARK)).catch(() => undefined);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    const found = await stat(path).catch(() => undefined);
    if (made && found && (found.nlink > 1 || found.ctimeMs <= made.ctimeMs)) continue;
    const hint = "Take what you need out of the copy and remove it, or name another folder.";
    throw new IllustriousError("bad_option", `${path}: changed or put there since the copy was made`, hint);
  }
}
