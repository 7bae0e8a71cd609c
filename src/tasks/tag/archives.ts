/**
 * @file Archives with tokens in their captions: new ones, in a folder of their own. Every byte but those of captions is the old
 * archive's: headers, order, what is no image.
 */

import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type Header, pack } from "tar-stream";
import { IllustriousError } from "../../base/error.ts";
import { type ArchiveGroup, archiveGroups, keptCaption, type MemberCaption } from "../../data/audit/index.ts";
import { planCaption, rewriteField } from "../../data/tags/index.ts";
import { type FileCalls, type Sink, writeFileAtomic } from "../../formats/atomic-write.ts";
import { readAt, withRegularFile } from "../../formats/regular-file.ts";
import { isGzip, TAR_BLOCK, type TarFile } from "../../formats/tar.ts";
import type { LeftReason } from "./events.ts";
import { copyBytes, jsonCaption, listed, placeIn } from "./metadata.ts";
import type { Row, Rows } from "./rows.ts";
import type { Tally } from "./tally.ts";
import type { Work } from "./work.ts";

/** Bytes in place of others of the archive, or between them. A replaced content needs its header for the new size. */
type Edit = { readonly from: number; readonly to: number } & (
  | { readonly bytes: Uint8Array }
  | { readonly content: Uint8Array }
);

/** Captions of one archive that did not get tokens. */
export type LeftCounts = Readonly<Partial<Record<LeftReason, number>>>;

/**
 * Writes one archive, whole, and goes on behind its rows; one that has changed since the audit, or is compressed, is left and told.
 *
 * @param finish called when all is written, before it appears
 * @throws IllustriousError `write_failed`; `bad_file` for a damaged archive; `cancelled`
 */
export async function copyArchive(
  rows: Rows,
  place: string,
  work: Work,
  calls: FileCalls,
  finish: (left: LeftCounts) => Promise<void> = async () => {},
): Promise<void> {
  const { source, mtimeMs } = rows.current()!;
  const { tally, sweep } = work;
  const reason = await whyLeft(source, mtimeMs);
  if (reason) {
    tally.left(reason.type, source, reason.message);
    return skipRows(rows, work);
  }
  await sweep(dirname(place));
  /** Of each change, whether its caption is a new member. */
  const changes: boolean[] = [];
  const left: Partial<Record<LeftReason, number>> = {};
  const watched: Tally = {
    ...tally,
    change(caption, image, before, after) {
      changes.push(before === undefined);
      tally.change(caption, image, before, after);
    },
    left(reason, path, message) {
      left[reason] = (left[reason] ?? 0) + 1;
      tally.left(reason, path, message);
    },
  };
  const fill = async (sink: Sink): Promise<void> => {
    await withRegularFile(source, async (file, size) => {
      let at = 0;
      for await (const edit of editsOf(source, rows, { ...work, tally: watched })) {
        await copyBytes(file, at, edit.from, sink, source);
        if ("bytes" in edit) await sink.write(edit.bytes);
        else await sink.write(resized(await readAt(file, edit.from, TAR_BLOCK, source), edit.content));
        at = edit.to;
      }
      await copyBytes(file, at, size, sink, source);
      await finish(left);
    });
  };
  await writeFileAtomic(place, fill, calls).catch(async (error: unknown) => {
    if (!(error instanceof IllustriousError) || error.code !== "bad_file") throw error;
    if (changes.length === 0) tally.left("unreadable", source, error.message);
    for (const [i, isNew] of changes.entries()) {
      tally.takeBack(isNew ? undefined : "", "", "unreadable", source, i === 0 ? error.message : undefined);
    }
    if (rows.current()?.source === source) await skipRows(rows, work);
  });
}

/** Goes on behind the rows of the archive that the current one is in. */
export async function skipRows(rows: Rows, { tally }: Work, each: () => void = () => {}): Promise<void> {
  let last: Row | undefined;
  for (let row = rows.current(); row && isNext(row, last); row = rows.current()) {
    tally.image(row.tokens ?? []);
    each();
    last = row;
    await rows.advance();
  }
}

/** An archive that is named twice begins anew. */
function isNext(row: Row, last: Row | undefined): boolean {
  return last === undefined || (row.source === last.source && (row.member ?? -1) > (last.member ?? -1));
}

type Left = { readonly type: "set_changed" | "in_archive" | "unreadable"; readonly message: string };

async function whyLeft(source: string, mtimeMs: number | null): Promise<Left | undefined> {
  const now = await stat(source).catch(() => undefined);
  if (!now) return { type: "unreadable", message: `${source}: no such file` };
  if (now.mtimeMs !== mtimeMs) {
    return { type: "set_changed", message: `${source}: changed since the audit; audit again` };
  }
  if (await isCompressed(source)) {
    return { type: "in_archive", message: `${source}: compressed; unpack it with gunzip, and audit the .tar` };
  }
  return undefined;
}

/** By its content, as the audit reads it, whatever it is called. */
const isCompressed = (source: string): Promise<boolean> => withRegularFile(source, isGzip).catch(() => false);

async function* editsOf(source: string, rows: Rows, work: Work): AsyncGenerator<Edit, void> {
  for await (const group of archiveGroups(source)) {
    if (work.signal.aborted) throw new IllustriousError("cancelled", `${source}: stopped`, "Run it again to go on.");
    let chosen: { readonly row: Row; readonly image: TarFile } | undefined;
    for (const { file: image } of group.images) {
      const row = rows.current();
      if (row?.source !== source || row.member !== image.number) {
        throw new IllustriousError("bad_file", `${source}: ${image.name} is not in the audit's table`, "Audit again.");
      }
      work.tally.image(row.tokens ?? []);
      if (!row.tokens) work.tally.left("no_measures", source);
      else if (chosen) work.tally.left("shared", source);
      else chosen = { row, image };
      await rows.advance();
    }
    if (chosen) yield* editsFor(group, chosen.image, chosen.row.tokens!, source, work);
  }
}

async function* editsFor(
  { key, captions }: ArchiveGroup,
  image: TarFile,
  tokens: readonly string[],
  source: string,
  { tally, place }: Work,
): AsyncGenerator<Edit, void> {
  const kept = keptCaption(captions);
  const name = kept?.file.name ?? `${key}.txt`;
  const where = `${source}: ${name}`;
  const left = (message: string) => tally.left("unreadable", source, message);
  if (kept && kept.text === undefined) return left(`${source}: ${kept.why}`);
  if (kept ? hasSize(kept.file) : name.includes("\ufffd")) return left(`${where}: its header cannot be written anew`);
  const json = kept?.ending === "json" ? jsonOf(kept) : undefined;
  if (kept?.ending === "json" && !json) {
    return tally.left("no_caption", source, `${where}: no caption, so there is nothing to put tokens into`);
  }
  const current = json ? json.current : kept?.text;
  const own = { caption: where, image: `${source}: ${image.name}`, current, tokens };
  const plan = planCaption({ ...own, place: json ? placeIn(json.span, place) : place }, undefined);
  if (plan.type !== "change") return tally.same();
  const [before, after] = json ? [listed(plan.current), listed(plan.after)] : [plan.current, plan.after];
  tally.change(where, own.image, before, after);
  const text = json ? rewriteField(kept!.text!, json.span, [], plan.insertions) : plan.after!;
  const content = new TextEncoder().encode(text);
  if (!kept) {
    const at = endOf(image);
    return yield { from: at, to: at, bytes: await newMember(name, image.header, content) };
  }
  yield { from: kept.file.offset! - TAR_BLOCK, to: endOf(kept.file), content };
}

function jsonOf({ text }: MemberCaption): ReturnType<typeof jsonCaption> {
  try {
    return jsonCaption(text!, undefined);
  } catch {
    return undefined;
  }
}

/** A size in an extended header would speak against that of the header. */
function hasSize({ header }: TarFile): boolean {
  return Object.hasOwn((header.pax as object | null | undefined) ?? {}, "size");
}

const padded = (size: number): number => Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;

const endOf = ({ offset, size }: TarFile): number => offset! + padded(size);

/** POSIX.1-1988 ustar: eleven octal digits of the size at 124, the sum of all bytes, its own place as spaces, at 148. */
function resized(header: Uint8Array, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(TAR_BLOCK + padded(content.length));
  bytes.set(header);
  bytes.set(content, TAR_BLOCK);
  const put = (text: string, at: number) => bytes.set(new TextEncoder().encode(text), at);
  put(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  put(" ".repeat(8), 148);
  const sum = bytes.subarray(0, TAR_BLOCK).reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return bytes;
}

/** Seconds since 1970 that a header's time may have here. */
const LATEST = 2 ** 31 - 1;

/** A member by the image's owner, mode and time. */
async function newMember(name: string, image: Header, content: Uint8Array): Promise<Uint8Array> {
  const { mode, uid, gid, uname, gname } = image;
  const mtime = new Date(Math.min(Math.max(0, image.mtime.getTime()), 1000 * LATEST));
  const archive = pack();
  archive.entry({ name, mode, uid, gid, uname, gname, mtime, type: "file" }, Buffer.from(content));
  archive.finalize();
  const pieces: Uint8Array[] = [];
  for await (const piece of archive) pieces.push(piece as Uint8Array);
  // Without the two blocks that end an archive.
  return Buffer.concat(pieces).subarray(0, -2 * TAR_BLOCK);
}
