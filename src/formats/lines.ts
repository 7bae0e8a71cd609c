/** @file A file of any length line by line. Lines end in "\n", and nothing else ends one: JSON may have U+2028 in its strings. */

import type { FileHandle } from "node:fs/promises";
import { IllustriousError } from "../base/error.ts";
import { notRead } from "./regular-file.ts";

const LINE_END = 10;

/** Bytes read at a time. */
const PIECE = 2 ** 18;

/** Bytes of a line, for a file without ends of lines must not fill the memory. */
const MAX_LINE = 2 ** 28;

/**
 * Lines as bytes, with their ends, and where they begin.
 *
 * @param path for errors
 * @throws IllustriousError `bad_file` for a line that is too long, or a file that cannot be read on
 */
export async function* linesOf(
  file: FileHandle,
  path: string,
  limit: number = MAX_LINE,
): AsyncGenerator<{ bytes: Buffer; at: number }, void> {
  let rest: Buffer[] = [];
  let held = 0;
  let at = 0;
  let read = 0;
  for (;;) {
    const piece = Buffer.alloc(PIECE);
    const { bytesRead } = await file.read(piece, 0, piece.length, read).catch((error: unknown) => {
      throw notRead(path, error);
    });
    if (bytesRead === 0) break;
    read += bytesRead;
    let from = 0;
    for (let end = piece.indexOf(LINE_END); end !== -1 && end < bytesRead; end = piece.indexOf(LINE_END, from)) {
      const last = piece.subarray(from, end + 1);
      const bytes = rest.length === 0 ? last : Buffer.concat([...rest, last]);
      yield { bytes, at };
      rest = [];
      held = 0;
      at += bytes.length;
      from = end + 1;
    }
    if (from === bytesRead) continue;
    rest.push(piece.subarray(from, bytesRead));
    held += bytesRead - from;
    if (held > limit) {
      throw new IllustriousError("bad_file", `${path}: a line of more than ${limit} bytes`, "Name the right file.");
    }
  }
  if (rest.length > 0) yield { bytes: Buffer.concat(rest), at };
}
