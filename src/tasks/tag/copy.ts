/**
 * @file The set once more, in a new folder to train from: images as hard links (as copies where the disk does not link), captions with
 * tokens, metadata and archives written anew. Nothing of the set itself changes.
 */

import { constants } from "node:fs";
import { copyFile, link, realpath, stat, utimes } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { fieldText, insertTokens, rewriteField, stringFields } from "../../data/tags/index.ts";
import { type FileCalls, isRefusal, writeNewFile } from "../../formats/atomic-write.ts";
import { exists } from "../../formats/exists.ts";
import { withRegularFile } from "../../formats/regular-file.ts";
import { makeFolder } from "../output-place.ts";
import { copyArchive, skipRows } from "./archives.ts";
import { type Line, linesIn, tellLeft } from "./metadata.ts";
import type { Mirror } from "./mirror.ts";
import { isKohyaJson, type Row } from "./rows.ts";
import { beside, planSidecar, sidecarOf } from "./sidecars.ts";
import type { Work } from "./work.ts";
import type { CaptionWriter } from "./writer.ts";

export type CopyWriter = CaptionWriter & {
  /** Folders with files in them. */
  readonly folders: ReadonlySet<string>;
};

/** Captions that are written at once. */
const TOGETHER = 32;

/** @param work with the ledger of the set, so that tokens which are in it already are replaced in the copy */
export function copyWriter(root: string, mirror: Mirror, work: Work, calls: FileCalls): CopyWriter {
  const { tally } = work;
  const folders = new Set<string>();
  const planned = new Map<string, Uint8Array>();
  /** An archive may be named twice. */
  const archives = new Set<string>();

  const placeOf = async (path: string, byMetadata = false): Promise<string> => {
    const place = join(root, mirror(path, byMetadata));
    if (!folders.has(dirname(place))) {
      await makeFolder(dirname(place));
      folders.add(dirname(place));
    }
    return place;
  };
  const flush = async (): Promise<void> => {
    const all = await Promise.allSettled([...planned].map(([place, text]) => writeNewFile(place, text, calls)));
    planned.clear();
    const failed = all.find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
  };
  const isThere = async (place: string): Promise<boolean> => planned.has(place) || (await exists(place));
  const write = async (place: string, text: string): Promise<void> => {
    planned.set(place, new TextEncoder().encode(text));
    if (planned.size >= TOGETHER) await flush();
  };
  const shared = (source: string, caption: string): void =>
    tally.left("shared", source, `${source}: its caption ${caption} is another image's, too`);
  /** The caption that was audited, with tokens or without. */
  const fromTable = async ({ source, caption, tokens }: Row, name: string): Promise<void> => {
    const place = await placeOf(name);
    if (await isThere(place)) return shared(source, name);
    if (!tokens) tally.left("no_measures", source);
    if (caption === null && !tokens) return;
    const { text } = insertTokens(caption ?? "", tokens ?? [], work.place);
    if (tokens && text !== caption) tally.change(name, source, caption ?? undefined, text);
    else if (tokens) tally.same();
    if (text !== "") await write(place, text);
  };

  return {
    folders,
    flush,
    async take(row) {
      return takeImage(row, await placeOf(row.source, row.line !== null), calls).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code !== "ENOENT") throw error;
          tally.left("unreadable", row.source, `${row.source}: no such file`);
          return false;
        },
      );
    },
    async caption(row) {
      // A `.txt` of its own: kohya's JSON is not in the copy, and it went before any file beside the image.
      if (isKohyaJson(row)) return fromTable(row, beside(row.source, ".txt"));
      const sidecar = await sidecarOf(row.source, row.captionFile, work);
      if ("left" in sidecar) {
        if (row.caption !== null && row.captionFile !== null) return fromTable(row, row.captionFile);
        return tally.left(sidecar.left, row.source, sidecar.message);
      }
      const { name, path: caption } = sidecar;
      const place = await placeOf(name);
      if (await isThere(place)) return shared(row.source, name);
      if (!row.tokens) tally.left("no_measures", row.source);
      const fresh = row.caption !== null ? { fresh: row.caption } : {};
      const plan =
        row.tokens && (await planSidecar({ caption, image: row.source, tokens: row.tokens, ...fresh }, work));
      if (plan?.type === "change") {
        tally.change(caption, row.source, plan.current, plan.after);
        // Trainers do not take an empty file for no caption.
        return plan.after === undefined ? undefined : write(place, plan.after);
      }
      if (plan?.type === "same") tally.same();
      if (!(await exists(caption))) return;
      await copyWhole(caption, place, calls).catch((error: IllustriousError) => {
        if (!isRefusal(error)) throw error;
        tally.left(
          "unreadable",
          row.source,
          `${caption}: cannot be read (${(error.cause as NodeJS.ErrnoException).code})`,
        );
      });
    },
    async metadata(path, asked) {
      const place = await placeOf(path);
      if (await isThere(place)) {
        tally.left("shared", path, `${path}: named a second time`);
        return true;
      }
      await withRegularFile(await realpath(path).catch(() => path), async (file) => {
        await writeNewFile(
          place,
          async (sink) => {
            for await (const line of linesIn(file, path, asked, work)) {
              const named = renamed(line, path, place, (image) => join(root, mirror(image, true)));
              await sink.write(named ?? line.change?.bytes ?? line.bytes);
            }
          },
          calls,
        );
      }).catch(async (error: unknown) => {
        if (await exists(place)) throw error;
        tellLeft(path, error, work);
      });
      return exists(place);
    },
    async archive(rows) {
      const { source } = rows.current()!;
      if (archives.has(source)) return skipRows(rows, work);
      archives.add(source);
      const place = await placeOf(source);
      if (await isThere(place)) throw clash(source, place);
      await copyArchive(rows, place, work, calls);
    },
  };
}

/** @throws IllustriousError `write_failed`; an error of the system `ENOENT` */
async function takeImage({ source }: Row, place: string, calls: FileCalls): Promise<void> {
  const image = await realpath(source);
  try {
    return await link(image, place);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") {
      // An image that the set names twice; else two names that this disk takes for one.
      const [there, own] = [await stat(place), await stat(image)];
      const isOwn = there.size === own.size && Math.abs(there.mtimeMs - own.mtimeMs) < 1;
      if (there.ino === own.ino || isOwn) return;
      throw clash(source, place);
    }
    if (code === "ENOENT") throw error;
  }
  await copyWhole(image, place, calls);
}

/** With its times, and flushed, as all is that a folder appears with. @throws IllustriousError `write_failed` */
async function copyWhole(from: string, place: string, calls: FileCalls): Promise<void> {
  try {
    const { atime, mtime } = await stat(from);
    await copyFile(from, place, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await utimes(place, atime, mtime);
    // By its name, which does for a file, too.
    await calls.syncFolder(place);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const hint = "Free some room, or name a folder on the set's own disk, where images take no room.";
    throw new IllustriousError("write_failed", `${place}: cannot be written (${why})`, hint, { cause });
  }
}

function clash(source: string, place: string): IllustriousError {
  const hint =
    "Two files of the set have names that this disk takes for one: rename one, or name a folder on another disk.";
  return new IllustriousError("write_failed", `${source}: there is another ${place}`, hint);
}

/** The line with another name for its image, where the copy has that elsewhere than the set. */
function renamed({ bytes, change, named }: Line, from: string, to: string, placeOf: (image: string) => string) {
  if (!named) return undefined;
  const way = relative(dirname(to), placeOf(named.image));
  if (!isAbsolute(named.name) && way === relative(dirname(from), named.image)) return undefined;
  const line = new TextDecoder("utf-8", { ignoreBOM: true }).decode(change?.bytes ?? bytes);
  const fields = stringFields(line);
  const span = fields.get("file_name") ?? fields.get("image_path");
  if (!span) return undefined;
  const old = fieldText(line, span);
  // JSON's names have slashes, whatever the system.
  const text = way.split(sep).join("/");
  return new TextEncoder().encode(rewriteField(line, span, [{ at: 0, text: old }], [{ at: 0, text }]));
}
