/**
 * @file An audit's folder: `table/` is the finished table, `table.next/` the one that is being made. The second takes the place of
 * the first when it is complete; a run that ends before leaves both as they are, and whoever reads `table/` never sees a mixture.
 * `table.kept/` has shards of an unfinished table in whose place others have come. `chunks/` is what those who measure are asked, and what they have answered; late answers may come to it at any time.
 */

import { rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { removeStrayTemporaries } from "../../formats/atomic-write.ts";
import { exists } from "../../formats/exists.ts";
import { answersIn } from "./chunks.ts";
import { type AuditManifest, readManifest } from "./manifest.ts";
import { shardNumbers, shardPath } from "./shards.ts";

export type AuditFolder = {
  /** The finished table. */
  readonly table: string;
  readonly next: string;
  /** Shards of the unfinished table in whose place others have come, with rows that those do not have. */
  readonly kept: string;
  readonly chunks: string;
  /** Files with rows: answers of chunks, of the unfinished and the finished table, in this order. */
  readonly shards: readonly string[];
};

const tableOf = (out: string) => join(out, "table");
const nextOf = (out: string) => join(out, "table.next");
const chunksOf = (out: string) => join(out, "chunks");
const keptOf = (out: string) => join(out, "table.kept");
const oldOf = (out: string) => join(out, "table.old");

/**
 * Puts in order what a run that was killed has left, and checks that what is there may be gone on with.
 *
 * @param asked settings and paths of the run to come
 * @throws IllustriousError `bad_option` when the folder is an audit by other settings or of other paths; `bad_file`
 */
export async function openAuditFolder(
  out: string,
  asked: Pick<AuditManifest, "settings" | "paths">,
): Promise<AuditFolder> {
  const [table, next, kept] = [tableOf(out), nextOf(out), keptOf(out)];
  // Killed between the two renames of `publish`.
  if (!(await exists(table)) && (await readManifest(next))?.complete) await rename(next, table);
  await rm(oldOf(out), { recursive: true, force: true });
  // Of a table that has been published, or taken away.
  if (!(await exists(next))) await rm(kept, { recursive: true, force: true });
  const chunks = chunksOf(out);
  if (await exists(chunks)) await removeStrayTemporaries(chunks);
  const shards = await answersIn(chunks);
  for (const folder of [next, kept, table]) {
    const manifest = await readManifest(folder);
    if (manifest) checkFits(out, manifest, asked);
    if (!(await exists(folder))) continue;
    await removeStrayTemporaries(folder);
    for (const number of await shardNumbers(folder)) shards.push(shardPath(folder, number));
  }
  return { table, next, kept, chunks, shards };
}

export type FinishedTable = {
  readonly manifest: AuditManifest;
  /** The folder of its files. */
  readonly table: string;
  /** Paths, in the rows' order. */
  readonly shards: readonly string[];
};

/**
 * The table of an audit that came to its end.
 *
 * @throws IllustriousError `missing_file` when there is none; `bad_file`
 */
export async function finishedTable(out: string): Promise<FinishedTable> {
  const table = tableOf(out);
  const manifest = await readManifest(table);
  if (!manifest) {
    const hint = "Name the folder that `illustrious audit --out` was given, after an audit that came to its end.";
    throw new IllustriousError("missing_file", `${out}: no complete audit`, hint);
  }
  return { manifest, table, shards: (await shardNumbers(table)).map((number) => shardPath(table, number)) };
}

/** Puts the complete table in the place of the one before; nobody needs chunks then. */
export async function publish(out: string): Promise<void> {
  const [table, old] = [tableOf(out), oldOf(out)];
  // Whoever is late may put a file there in the middle of this.
  await rm(chunksOf(out), { recursive: true, force: true, maxRetries: 5 });
  if (await exists(table)) await rename(table, old);
  await rename(nextOf(out), table);
  for (const folder of [old, keptOf(out)]) await rm(folder, { recursive: true, force: true });
}

function checkFits(
  out: string,
  { settings, paths }: AuditManifest,
  asked: Pick<AuditManifest, "settings" | "paths">,
): void {
  if (settings.workingSide !== asked.settings.workingSide) {
    const message = `${out}: measured at a working side of ${settings.workingSide} pixels, not ${asked.settings.workingSide}`;
    const hint = `Measures of two sides do not compare: keep ${settings.workingSide}, or name another folder.`;
    throw new IllustriousError("bad_option", message, hint);
  }
  if (settings.perceptualHash !== asked.settings.perceptualHash) {
    const message = `${out}: has perceptual hashes of the kind ${settings.perceptualHash}, not ${asked.settings.perceptualHash}`;
    throw new IllustriousError("bad_option", message, "It is of another release of this program: name another folder.");
  }
  const lost = paths.find((path) => !asked.paths.includes(resolve(path)));
  if (lost === undefined) return;
  const hint = "Name that path, too, beside new ones, or another folder: an audit's table is of all its paths.";
  throw new IllustriousError("bad_option", `${out}: the audit of other images, ${lost} among them`, hint);
}
