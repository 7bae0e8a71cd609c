/**
 * @file A set's archives in a folder of their own, each written whole. A list in it, `archives.jsonl`, has what was made of what, and is
 * written before an archive appears: so a run that was stopped goes on behind the last one, and nothing of anybody else is replaced.
 */

import { type FileHandle, open, readFile, stat, truncate } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { IllustriousError } from "../../base/error.ts";
import type { FileCalls } from "../../formats/atomic-write.ts";
import { makeFolder } from "../output-place.ts";
import { copyArchive, type LeftCounts, skipRows } from "./archives.ts";
import type { LeftReason } from "./events.ts";
import type { Mirror } from "./mirror.ts";
import { isOurs, type Mark, taken, writeMark } from "./new-folder.ts";
import type { Rows } from "./rows.ts";
import { removeFiles } from "./sidecars.ts";
import type { Work } from "./work.ts";
import type { CaptionWriter } from "./writer.ts";

type Made = {
  readonly source: string;
  /** Of the archive that it was made of, milliseconds since 1970; the one that was made has the same. */
  readonly mtimeMs: number;
  /** Below the folder. */
  readonly archive: string;
  readonly bytes: number;
  /** By which thresholds, with which words, in which places. */
  readonly by: string;
  /** So that a run which finds the archive made counts as the one that made it. */
  readonly left?: LeftCounts;
};

function refused(error: IllustriousError): never {
  throw error;
}

/** Times are kept to less than that, in milliseconds. */
const SAME_TIME = 2;

/**
 * @param by what tokens depend on beside the archive
 * @throws IllustriousError `bad_option` where the folder is somebody else's; `write_failed`
 */
export async function tarWriter(
  out: string,
  mirror: Mirror,
  by: string,
  mark: Mark,
  work: Work,
  calls: FileCalls,
): Promise<CaptionWriter & { close(): Promise<void> }> {
  const { tally, sweep } = work;
  await makeFolder(out);
  if (!(await isOurs(out, mark.kind))) throw taken(out);
  await sweep(out);
  await writeMark(out, mark, calls);
  const listed = join(out, "archives.jsonl");
  const known = await readMade(listed);
  const list = await open(listed, "a");

  async function enter(made: Made): Promise<void> {
    // A run that was killed may have entered it.
    const isEntered = known.some((one) => one.archive === made.archive && isDeepStrictEqual(one, made));
    const bytes = Buffer.from(isEntered ? "" : `${JSON.stringify(made)}\n`);
    try {
      for (let at = 0; at < bytes.length; ) at += await calls.write(list, bytes.subarray(at));
      await calls.sync(list);
      // Without the list, what it tells of would be somebody else's.
      await calls.syncFolder(out);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new IllustriousError("write_failed", `${listed}: cannot be written (${why})`, "Free some room.", { cause });
    }
  }

  return {
    async caption(row) {
      tally.left(row.member === null ? "elsewhere" : "in_archive", row.source);
    },
    async archive(rows) {
      const { source, mtimeMs } = rows.current()!;
      const archive = mirror(source, false);
      const place = join(out, archive);
      const there = await stat(place).catch(() => undefined);
      const ours = there && known.filter((one) => one.archive === archive && isThat(one, there));
      if (ours?.length === 0) {
        const hint = "Take it away if you need it, or name another folder.";
        throw new IllustriousError("bad_option", `${place}: changed or put there by somebody else`, hint);
      }
      const isSame = (one: Made) => one.source === source && one.by === by && one.mtimeMs === mtimeMs;
      const same = ours?.find(isSame);
      if (same && (await stat(source).catch(() => undefined))?.mtimeMs === mtimeMs) {
        return skipMade(rows, same, work);
      }
      await makeFolder(dirname(place));
      let file: FileHandle | undefined;
      const watched: FileCalls = {
        ...calls,
        async open(path) {
          file = await calls.open(path);
          return file;
        },
      };
      await copyArchive(rows, place, work, watched, async (left) => {
        await file!.utimes(new Date(), mtimeMs! / 1000);
        const made = { source, mtimeMs: mtimeMs!, archive, bytes: (await file!.stat()).size, by, left };
        // A run that ends before the new one is in place would leave the old one, which nobody could tell from it.
        if (there && isThat(made, there))
          await removeFiles([{ path: place, isWanted: async () => true, refused }], calls);
        await enter(made);
        known.push(made);
      });
    },
    flush: async () => {},
    close: () => list.close(),
  };
}

async function skipMade(rows: Rows, { source, left = {} }: Made, work: Work): Promise<void> {
  let images = 0;
  await skipRows(rows, work, () => images++);
  for (const [reason, captions] of Object.entries(left) as [LeftReason, number][]) {
    images -= captions;
    for (let i = 0; i < captions; i++) work.tally.left(reason, source);
  }
  for (let i = 0; i < images; i++) work.tally.same();
}

function isThat({ bytes, mtimeMs }: Made, there: { readonly size: number; readonly mtimeMs: number }): boolean {
  return bytes === there.size && Math.abs(mtimeMs - there.mtimeMs) < SAME_TIME;
}

/** Without a line that a killed run has left half-written, which is cut off. */
async function readMade(path: string): Promise<Made[]> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw new IllustriousError("bad_file", `${path}: cannot be read (${error.code})`, "Check its permissions.");
  });
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole));
  return whole
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      try {
        return JSON.parse(line) as Made;
      } catch {
        throw new IllustriousError("bad_file", `${path}: not a list of archives`, "Name another folder.");
      }
    });
}
