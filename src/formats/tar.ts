/**
 * @file Tar archives as a stream of the files in them. Nothing is extracted: links, devices and folders are passed over, and a name
 * is only a name.
 */

import { pipeline } from "node:stream/promises";
import { type Extract, extract } from "tar-stream";
import { IllustriousError } from "../base/error.ts";
import { openRegularFile } from "./regular-file.ts";

export type TarFile = {
  readonly name: string;
  /** Which of the archive's members it is, counted from 0; members that are no files count, too. */
  readonly number: number;
  /** Where its content lies in the archive, in bytes. */
  readonly offset: number;
  readonly size: number;
  /** The content, before the next file is asked for; `undefined` if it is longer than `limit` bytes. */
  read(limit: number): Promise<Uint8Array | undefined>;
};

type Entry = Extract extends AsyncIterable<infer Member> ? Member : never;

/** Bytes of a member's header, behind which its content lies. */
const HEADER = 512;

/** Bytes read at a time. */
const PIECE = 2 ** 20;

/**
 * The files of an archive in their order, read once from its beginning to its end.
 *
 * @throws IllustriousError `missing_file`; `bad_file` where the archive stops being one, after the files before that place
 */
export async function* tarFiles(path: string): AsyncGenerator<TarFile, void> {
  const { handle } = await openRegularFile(path);
  const source = handle.createReadStream({ highWaterMark: PIECE });
  const members = extract();
  // A failure on either side ends the iteration with it.
  const piped = pipeline(source, members).catch(() => {});
  try {
    let number = 0;
    for await (const entry of members) {
      if (entry.header.type === "file") yield fileOf(entry, number);
      number++;
      entry.resume();
    }
  } catch (cause) {
    if (cause instanceof IllustriousError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    const hint = "It was cut short, is compressed, or is something else; make it again, uncompressed.";
    throw new IllustriousError("bad_file", `${path}: not a whole tar archive (${why})`, hint, { cause });
  } finally {
    members.destroy();
    source.destroy();
    await piped;
  }
}

function fileOf(entry: Entry, number: number): TarFile {
  const { name, size } = entry.header;
  const read = async (limit: number): Promise<Uint8Array | undefined> => {
    if (size > limit) return undefined;
    const pieces: Uint8Array[] = [];
    for await (const piece of entry) pieces.push(piece as Uint8Array);
    return Buffer.concat(pieces);
  };
  return { name, number, offset: entry.offset + HEADER, size, read };
}
