/**
 * @file The ledger of a set's tags, `tags.jsonl`: for every caption that was changed, what was put in and where. Lines are added; the
 * last one of a caption counts.
 *
 * The protocol by which no caption is lost, however a run ends:
 *
 * 1. What is going to be written is entered, with the hashes of the caption as it is and as it will be, and flushed to the disk.
 * 2. Then the caption's file is replaced: written beside it, flushed, renamed. It is the old one or the new one, whole.
 *
 * Many captions take each of the two steps together. At a run's end, lines that do not count any more go away, when they are many: the
 * ledger is written anew beside itself, flushed, renamed.
 *
 * A run that ends between the two leaves an entry of something that has not happened. Nobody has to know: whoever looks at a caption
 * compares its hash with both of the entry's, and goes on from what is really there (`caption-state.ts`). A run that ends within the
 * first leaves part of a line at the end, which the next one cuts off; nothing had been replaced by it.
 */

import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, sep } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { IllustriousError } from "../../base/error.ts";
import { type FileCalls, removeStrayTemporaries, type Sink, writeFileAtomic } from "../../formats/atomic-write.ts";
import { linesOf } from "../../formats/lines.ts";
import { placeIndex } from "../place-index.ts";
import type { Insertion } from "./caption-text.ts";

export type TagEntry = {
  /** Absolute path of the caption's file. */
  readonly caption: string;
  /** Absolute path of the image. */
  readonly image: string;
  /** In a metadata file: the field that has the caption. */
  readonly field?: string;
  /** In a metadata file, whose lines may name an image twice: its line, from 1. */
  readonly line?: number;
  /** Name and digest of the thresholds; none where tokens were taken out. */
  readonly thresholds?: string;
  /** The image's tokens, whether or not the user had some of them already. */
  readonly tokens: readonly string[];
  readonly separator: string;
  /** For tokens at the start: so many first tags stay before them; none where that is 0. */
  readonly keepTokens?: number;
  /** SHA-256 of the caption without ours, null where there was no file. */
  readonly before: string | null;
  /** SHA-256 of the caption as written, null where there is no file. */
  readonly after: string | null;
  /** Ours in the caption as written. */
  readonly insertions: readonly Insertion[];
  /** What is replaced, where that had ours in it, too. */
  readonly was?: { readonly sha256: string; readonly insertions: readonly Insertion[] };
};

export type Ledger = {
  readonly path: string;
  /** Of a caption that is a file. */
  find(caption: string, image: string): Promise<TagEntry | undefined>;
  /** Of an image in a metadata file, one for each line that it had; that of this line first. */
  ofLine(caption: string, image: string, line: number): Promise<TagEntry[]>;
  /** Durable when it returns. Entries that are their caption's latest already are not entered again. */
  append(entries: readonly TagEntry[]): Promise<void>;
  /** The last entry of every caption, in the order in which they were entered; not those entered meanwhile. */
  latest(): AsyncGenerator<TagEntry, void>;
  /** Without lines that do not count any more, if they are many; it is closed then. */
  compact(): Promise<void>;
  /** For a set that lies elsewhere now: what was below one folder is below another. Whole and durable when it returns; it is closed then. */
  move(from: string, to: string): Promise<void>;
  close(): Promise<void>;
};

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A caption file is one caption; in a metadata file every image has its own. */
function keyOf(caption: string, image: string, inMetadata: boolean): string {
  return inMetadata ? `${caption}\0${image}` : caption;
}

const entryKey = ({ caption, image, field }: TagEntry) => keyOf(caption, image, field !== undefined);

/** Entries of before have no line. */
const isOfLine = (entry: TagEntry, line: number | undefined) => entry.line === undefined || entry.line === line;

const LINE_END = 10;

/** Share of lines that may be replaced ones: each costs a look at another when the ledger is opened. */
const MOST_REPLACED = 1 / 4;

/** Lines that are written at once. */
const TOGETHER = 1024;

/**
 * @param calls by which it is written; none to read it only
 * @throws IllustriousError `bad_file` for a line that is no entry; `write_failed`
 */
export async function openLedger(path: string, calls?: FileCalls): Promise<Ledger> {
  if (calls) await removeStrayTemporaries(dirname(path)).catch(() => []);
  const file = await open(path, calls ? "a+" : "r").catch((error: NodeJS.ErrnoException) => {
    if (!calls && error.code === "ENOENT") return undefined;
    throw failed(path, error);
  });
  const index = placeIndex();
  let size = 0;
  let lines = 0;
  /** Lines that do not count any more. */
  let replaced = 0;

  /** The latest entries of a key that have been entered, and their places. */
  async function* located(key: string): AsyncGenerator<{ entry: TagEntry; place: number }, void> {
    // Most sets have none yet, and a hash of each key is a tenth of all that is done for a caption.
    if (lines === 0) return;
    for (const place of index.at(key)) {
      const entry = await entryAt(file!, place, path);
      if (entryKey(entry) === key) yield { entry, place };
    }
  }

  /** What an entry takes the place of: the one that has told of the text that it replaces, for lines move; else that of its line. */
  async function locate(entry: TagEntry): Promise<{ entry: TagEntry; place: number } | undefined> {
    let found: { entry: TagEntry; place: number } | undefined;
    for await (const one of located(entryKey(entry))) {
      const { after, was } = one.entry;
      if (entry.was && [after, was?.sha256].includes(entry.was.sha256)) return one;
      if (isOfLine(one.entry, entry.line)) found ??= one;
    }
    return found;
  }

  async function enter(entry: TagEntry, place: number): Promise<void> {
    const before = (await locate(entry))?.place;
    index.set(entryKey(entry), place, before);
    lines++;
    if (before !== undefined) replaced++;
  }

  /** The ledger anew, of entries that count. */
  async function rewrite(file: FileHandle, calls: FileCalls, changed: (entry: TagEntry) => TagEntry): Promise<void> {
    const fill = async (sink: Sink): Promise<void> => {
      let held: string[] = [];
      for await (const { entry, place } of entries()) {
        if (isLatest(entry, place)) held.push(`${JSON.stringify(changed(entry))}\n`);
        if (held.length < TOGETHER) continue;
        await sink.write(Buffer.from(held.join("")));
        held = [];
      }
      await sink.write(Buffer.from(held.join("")));
    };
    // Some systems do not rename over a file that is open.
    const rename = async (from: string, to: string): Promise<void> => {
      await file.close();
      await calls.rename(from, to);
    };
    await writeFileAtomic(path, fill, { ...calls, rename });
  }

  /** Whether an entry that has been entered is its caption's last: what it takes the place of has none any more. */
  const isLatest = (entry: TagEntry, place: number): boolean => [...index.at(entryKey(entry))].includes(place);

  async function* entries(): AsyncGenerator<{ entry: TagEntry; place: number; end: number }, void> {
    if (!file) return;
    for await (const { bytes, at } of linesOf(file, path)) {
      if (bytes.at(-1) === LINE_END) yield { entry: entryOf(bytes, path), place: at, end: at + bytes.length };
    }
  }

  try {
    for await (const { entry, place, end } of entries()) {
      await enter(entry, place);
      size = end;
    }
    if (file && calls) {
      await file.truncate(size);
      await calls.syncFolder(dirname(path));
    }
  } catch (error) {
    await file?.close();
    throw error;
  }

  return {
    path,
    async find(caption, image) {
      for await (const { entry } of located(keyOf(caption, image, false))) return entry;
      return undefined;
    },
    async ofLine(caption, image, line) {
      const found: TagEntry[] = [];
      for await (const { entry } of located(keyOf(caption, image, true))) found.push(entry);
      return found.sort((a, b) => Number(isOfLine(b, line)) - Number(isOfLine(a, line)));
    },
    async append(given) {
      const fresh: TagEntry[] = [];
      for (const entry of given) {
        const latest = await locate(entry);
        if (!isDeepStrictEqual(latest?.entry, entry)) fresh.push(entry);
      }
      if (fresh.length === 0) return;
      const lines = fresh.map((entry) => Buffer.from(`${JSON.stringify(entry)}\n`));
      const bytes = Buffer.concat(lines);
      try {
        for (let at = 0; at < bytes.length; ) at += await calls!.write(file!, bytes.subarray(at));
        await calls!.sync(file!);
      } catch (error) {
        throw failed(path, error);
      }
      for (const [i, entry] of fresh.entries()) {
        await enter(entry, size);
        size += lines[i]!.length;
      }
    },
    async *latest() {
      const end = size;
      for await (const { entry, place } of entries()) {
        if (place >= end) return;
        if (isLatest(entry, place)) yield entry;
      }
    },
    async compact() {
      if (!file || !calls || lines === 0 || replaced / lines < MOST_REPLACED) return;
      await rewrite(file, calls, (entry) => entry);
    },
    async move(from, to) {
      const moved = (one: string) => (one.startsWith(from + sep) ? to + one.slice(from.length) : one);
      await rewrite(file!, calls!, (entry) => ({
        ...entry,
        caption: moved(entry.caption),
        image: moved(entry.image),
      }));
    },
    close: async () => file?.close(),
  };
}

async function entryAt(file: FileHandle, place: number, path: string): Promise<TagEntry> {
  for (let length = 2048; ; length *= 4) {
    const piece = Buffer.alloc(length);
    const { bytesRead } = await file.read(piece, 0, length, place);
    const end = piece.subarray(0, bytesRead).indexOf(LINE_END);
    if (end !== -1) return entryOf(piece.subarray(0, end), path);
    if (bytesRead < length) throw damaged(path, `it ends at byte ${place + bytesRead}`);
  }
}

function entryOf(bytes: Buffer, path: string): TagEntry {
  try {
    const entry = JSON.parse(bytes.toString("utf8")) as TagEntry;
    if (typeof entry.caption === "string" && typeof entry.image === "string" && Array.isArray(entry.insertions)) {
      return entry;
    }
  } catch {
    // Told below.
  }
  throw damaged(path, bytes.toString("utf8", 0, 80));
}

function damaged(path: string, what: string): IllustriousError {
  const hint =
    "Bring the file back from a copy: without it, this program's tokens cannot be told from the user's words.";
  return new IllustriousError("bad_file", `${path}: not a line of a tag ledger (${what})`, hint);
}

function failed(path: string, cause: unknown): IllustriousError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const hint =
    "No caption was changed by it. Free some room, or check the audit folder's permissions; then run it again.";
  return new IllustriousError("write_failed", `${path}: cannot be written (${why})`, hint, { cause });
}
