/**
 * @file Tar archives, plain or compressed with gzip, as a stream of the files in them. Nothing is extracted: links, devices and folders
 * are passed over, and a name is only a name.
 */

import type { FileHandle } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { type Extract, extract, type Header } from "tar-stream";
import { IllustriousError } from "../base/error.ts";
import { openRegularFile } from "./regular-file.ts";

export type TarFile = {
  readonly name: string;
  /** Which of the archive's members it is, counted from 0; members that are no files count, too. */
  readonly number: number;
  /** Where its content lies in the archive, in bytes; none in a compressed one. */
  readonly offset: number | undefined;
  readonly size: number;
  /** Owner, mode and time, as its header has them. */
  readonly header: Header;
  /** Bytes of the archive, as it lies on the disk, up to its end; of a compressed one, those that were read so far. */
  reached(): number;
  /** The content, before the next file is asked for; `undefined` if it is longer than `limit` bytes. @throws IllustriousError `bad_file` where the archive ends in it */
  read(limit: number): Promise<Uint8Array | undefined>;
};

type Entry = Extract extends AsyncIterable<infer Member> ? Member : never;

/** Bytes of a member's header, behind which its content lies. */
export const TAR_BLOCK = 512;

/** Bytes read at a time. */
const PIECE = 2 ** 20;

/** How many times its size a compressed archive may unpack to, besides as many bytes: images are compressed already. */
const MOST_UNPACKED = { times: 100, free: 2 ** 26 };

/**
 * The files of an archive in their order, read once from its beginning to its end.
 *
 * @throws IllustriousError `missing_file`; `bad_file` where the archive stops being one, after the files before that place
 */
export async function* tarFiles(path: string): AsyncGenerator<TarFile, void> {
  const { handle } = await openRegularFile(path);
  const compressed = await isGzip(handle).catch(() => false);
  const source = handle.createReadStream({ highWaterMark: PIECE, start: 0 });
  const members = extract();
  // A failure on either side ends the iteration with it.
  const piped = compressed
    ? pipeline(source, createGunzip({ chunkSize: PIECE }), (pieces) => bounded(pieces, source, path), members)
    : pipeline(source, members);
  const settled = piped.catch(() => {});
  try {
    let number = 0;
    for await (const entry of members) {
      if (entry.header.type === "file")
        yield fileOf(path, entry, number, compressed ? () => source.bytesRead : undefined);
      number++;
      entry.resume();
    }
  } catch (cause) {
    throw notWhole(path, cause);
  } finally {
    members.destroy();
    source.destroy();
    await settled;
  }
}

export async function isGzip(handle: FileHandle): Promise<boolean> {
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
  return bytesRead === 2 && buffer.readUInt16BE() === 0x1f8b;
}

/** A small file can unpack to more than any disk holds. */
async function* bounded(
  pieces: AsyncIterable<Uint8Array>,
  source: { readonly bytesRead: number },
  path: string,
): AsyncGenerator<Uint8Array, void> {
  const { times, free } = MOST_UNPACKED;
  let unpacked = 0;
  for await (const piece of pieces) {
    unpacked += piece.length;
    if (unpacked > free + times * source.bytesRead) {
      const hint = `Unpack it yourself, if you trust it: images do not shrink to a ${times}th.`;
      throw new IllustriousError("bad_file", `${path}: unpacks to more than ${times} times its size`, hint);
    }
    yield piece;
  }
}

function notWhole(path: string, cause: unknown): IllustriousError {
  if (cause instanceof IllustriousError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  const hint = "It was cut short, is compressed by other means than gzip, or is something else; make it again.";
  return new IllustriousError("bad_file", `${path}: not a whole tar archive (${why})`, hint, { cause });
}

function fileOf(path: string, entry: Entry, number: number, readSoFar: (() => number) | undefined): TarFile {
  const { header } = entry;
  const { name, size } = header;
  if (!Number.isSafeInteger(size) || size < 0) throw new Error(`${name}: a size of ${size} bytes`);
  const read = async (limit: number): Promise<Uint8Array | undefined> => {
    if (size > limit) return undefined;
    const pieces: Uint8Array[] = [];
    try {
      for await (const piece of entry) pieces.push(piece as Uint8Array);
    } catch (cause) {
      throw notWhole(path, cause);
    }
    return Buffer.concat(pieces);
  };
  const offset = entry.offset + TAR_BLOCK;
  const reached = readSoFar ?? (() => offset + size);
  return { name, number, offset: readSoFar ? undefined : offset, size, header, reached, read };
}
