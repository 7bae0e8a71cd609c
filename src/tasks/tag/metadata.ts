/**
 * @file Captions in a `metadata.jsonl`: the file is gone through line by line and written anew, whole, with other bytes only inside the
 * strings that change. The ledger knows of all of them before the new file takes the old one's place.
 */

import { type FileHandle, realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { CAPTION_FIELDS, entryOfLine } from "../../data/sets/metadata.ts";
import {
  fieldText,
  LIST_SEPARATOR,
  planCaption,
  rewriteField,
  type Span,
  sha256,
  stringFields,
  type TagEntry,
  type TokenPlace,
} from "../../data/tags/index.ts";
import { isRefusal, type Sink, writeFileAtomic } from "../../formats/atomic-write.ts";
import { linesOf } from "../../formats/lines.ts";
import { readAt, withRegularFile } from "../../formats/regular-file.ts";
import { keepingOwner, unclear } from "./sidecars.ts";
import type { Work } from "./work.ts";
import type { LinesAsked } from "./writer.ts";

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Entries between two flushes of the ledger. */
const TOGETHER = 256;

export type Line = {
  readonly bytes: Uint8Array;
  readonly at: number;
  /** The image that it names, and how; none where it is blank or cannot be read. */
  readonly named?: { readonly name: string; readonly image: string } | undefined;
  /** None in a dry run. */
  readonly change?: Change | undefined;
};

/**
 * Nothing is written before the first line that changes: what stands above it is copied then.
 *
 * @throws IllustriousError `missing_file`; `bad_file`; `write_failed`; `cancelled`, with the file as it was
 */
export async function tagMetadata(path: string, asked: LinesAsked, work: Work): Promise<void> {
  const { calls, ledger, tally, sweep, claim } = work;
  const place = await realpath(path).catch(() => path);
  await withRegularFile(place, async (file) => {
    const before = await file.stat();
    const lines = linesIn(file, path, asked, work);
    let first: Line | undefined;
    for (let next = await lines.next(); !next.done; next = await lines.next()) {
      if (!calls || !next.value.change) continue;
      first = next.value;
      break;
    }
    if (!calls || !first) return;
    const begin = first;
    await sweep(dirname(place));
    await claim?.(dirname(place));
    const meanwhile = new Error("written meanwhile");
    const fill = async (sink: Sink): Promise<void> => {
      await copyBytes(file, 0, begin.at, sink, place);
      const entries: TagEntry[] = [];
      for (let line: Line | undefined = begin; line; line = (await lines.next()).value ?? undefined) {
        if (line.change) entries.push(line.change.entry);
        await sink.write(line.change?.bytes ?? line.bytes);
        if (entries.length >= TOGETHER) await ledger.append(entries.splice(0));
      }
      await ledger.append(entries);
      const now = await stat(place).catch(() => undefined);
      if (now?.ino !== before.ino || now.mtimeMs !== before.mtimeMs || now.size !== before.size) throw meanwhile;
    };
    await writeFileAtomic(place, fill, await keepingOwner(place, calls)).catch((error: unknown) => {
      if (error !== meanwhile) throw error;
      tally.left("written_meanwhile", path, `${path}: written by another program meanwhile; run again`);
    });
  });
}

/** The lines asked for, with what they become. @throws IllustriousError `cancelled` */
export async function* linesIn(
  file: FileHandle,
  path: string,
  asked: LinesAsked,
  work: Work,
): AsyncGenerator<Line, undefined> {
  const claimed = bits();
  let number = 0;
  for await (const { bytes, at } of linesOf(file, path)) {
    if (work.signal.aborted) throw new IllustriousError("cancelled", `${path}: stopped at line ${number + 1}`);
    if (!asked.more()) return;
    number++;
    if (number > asked.above) yield { bytes, at, ...(await changeOf(bytes, path, number, asked, work, claimed)) };
  }
}

/** Bytes copied at a time. */
const PIECE = 2 ** 20;

/** @throws IllustriousError `bad_file` when the file ends before; `write_failed` */
export async function copyBytes(file: FileHandle, from: number, to: number, sink: Sink, path: string): Promise<void> {
  for (let at = from; at < to; at += PIECE) {
    await sink.write(await readAt(file, at, Math.min(PIECE, to - at), path));
  }
}

/** What is one file's matter is told, and the others go on; anything else is thrown. */
export function tellLeft(path: string, error: unknown, { tally, ledger }: Pick<Work, "tally" | "ledger">): void {
  if (!(error instanceof IllustriousError) || error.message.startsWith(`${ledger.path}:`)) throw error;
  if (isRefusal(error)) tally.left("unwritable", path, error.message);
  else if (["missing_file", "bad_file"].includes(error.code)) tally.left("unreadable", path, error.message);
  else throw error;
}

type Bits = { has(n: number): boolean; add(n: number): void };

/** Whole numbers up to many millions, a bit each. */
function bits(): Bits {
  let bytes = new Uint8Array(1024);
  return {
    has: (n) => ((bytes[n >> 3] ?? 0) & (1 << (n & 7))) !== 0,
    add(n) {
      if (n >> 3 >= bytes.length) {
        const more = new Uint8Array(2 * (n >> 3));
        more.set(bytes);
        bytes = more;
      }
      bytes[n >> 3]! |= 1 << (n & 7);
    },
  };
}

type Change = { readonly entry: TagEntry; readonly bytes: Uint8Array };

async function changeOf(
  bytes: Uint8Array,
  path: string,
  number: number,
  asked: LinesAsked,
  work: Work,
  claimed: Bits,
): Promise<Pick<Line, "named" | "change">> {
  const { tally, ledger, place, thresholds } = work;
  const where = `${path}: line ${number}`;
  let line: string;
  let named: { readonly name: string; readonly image: string };
  try {
    line = UTF8.decode(bytes);
    const text = number === 1 ? line.replace(/^\ufeff/, "") : line;
    if (text.trim() === "") return {};
    const { path: name } = entryOfLine(text, where);
    named = { name, image: resolve(dirname(path), name) };
  } catch (error) {
    const why = error instanceof IllustriousError ? error.message : `${where}: not UTF-8`;
    tally.left("unreadable", path, why);
    return {};
  }
  const { image } = named;
  const tokens = await asked.tokensOf(number, image);
  if (!tokens) return { named };
  const { entry, isOwn } = entryFor(line, number, await ledger.ofLine(path, image, number), claimed);
  const found = jsonCaption(line, entry);
  if (!found) {
    tally.left("no_caption", path, `${where}: no caption, so there is nothing to put tokens into`);
    return { named };
  }
  const { field, current, span } = found;
  const own = { caption: path, image, field, line: number, current, tokens, place: placeIn(span, place) };
  const plan = planCaption({ ...own, ...(thresholds !== undefined && { thresholds }) }, entry, isOwn);
  if (plan.type === "unclear") tally.left("unclear", path, unclear(where));
  if (plan.type === "same") tally.same();
  if (plan.type !== "change") return { named };
  tally.change(`${where}, ${field}`, image, listed(plan.current), listed(plan.after));
  if (!work.calls) return { named };
  const written = rewriteField(line, span, plan.ours, plan.insertions);
  return { named, change: { entry: plan.entry(), bytes: new TextEncoder().encode(written) } };
}

/** Of an image's entries the one of this very text; else that of this line, and else another line's, which may have moved here. */
function entryFor(
  json: string,
  line: number,
  entries: readonly TagEntry[],
  claimed: Bits,
): { entry?: TagEntry; isOwn: boolean } {
  const isOfText = (entry: TagEntry): boolean => {
    // One line is what it tells of; another with the same text is the user's.
    if (entry.line !== undefined && claimed.has(entry.line)) return false;
    const found = jsonCaption(json, entry);
    return found !== undefined && [entry.after, entry.was?.sha256].includes(sha256(found.current));
  };
  const [first] = entries;
  if (!first) return { isOwn: true };
  const entry = entries.find(isOfText);
  if (entry?.line !== undefined) claimed.add(entry.line);
  if (entry) return { entry, isOwn: true };
  return { entry: first, isOwn: first.line === undefined || first.line === line };
}

/** In a list, tokens are texts of their own. */
export function placeIn({ parting }: Span, place: TokenPlace): TokenPlace {
  const { position, keepTokens } = place;
  return parting === undefined ? place : { position, keepTokens, separator: LIST_SEPARATOR };
}

/** A list as people read it. */
export const listed = (text: string | undefined): string | undefined => text?.replaceAll(LIST_SEPARATOR, ", ");

type JsonCaption = { readonly field: string; readonly current: string; readonly span: Span };

/** Which string of a JSON object has the caption, by the names of `metadata.jsonl`; or the list of strings that its tags are. */
export function jsonCaption(json: string, entry: TagEntry | undefined): JsonCaption | undefined {
  const fields = stringFields(json);
  const textIn = (name: string): string | undefined => {
    const span = fields.get(name);
    return span && fieldText(json, span);
  };
  const field = fieldFor(textIn, entry);
  const current = field === undefined ? undefined : textIn(field);
  if (field === undefined || current === undefined) return undefined;
  return { field, current, span: fields.get(field)! };
}

/** Where ours are already; kohya's tags, which stand behind the caption; else the caption. */
function fieldFor(textIn: (name: string) => string | undefined, entry: TagEntry | undefined): string | undefined {
  const before = entry?.insertions.length || entry?.was ? entry.field : undefined;
  if (before !== undefined && textIn(before) !== undefined) return before;
  if (textIn("tags")?.trim()) return "tags";
  return CAPTION_FIELDS.find((name) => textIn(name) !== undefined);
}
