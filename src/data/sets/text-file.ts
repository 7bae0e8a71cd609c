/** @file Text files of unknown origin: UTF-8, with an upper limit, errors that name the file. */

import { IllustriousError } from "../../base/error.ts";
import { linesOf } from "../../formats/lines.ts";
import { openRegularFile, readAt, readSmallFile, withRegularFile } from "../../formats/regular-file.ts";

/**
 * The whole of a UTF-8 file.
 *
 * @param limit bytes
 * @param mark what becomes of a byte order mark
 * @throws IllustriousError `missing_file`; `bad_file` above the limit, or for other encodings
 */
export async function readText(path: string, limit: number, mark: "left out" | "kept" = "left out"): Promise<string> {
  const bytes = await withRegularFile(path, (handle, size) => {
    if (size <= limit) return readAt(handle, 0, size, path);
    throw tooLong(path, size, limit);
  });
  return decoded(path, bytes, mark);
}

/** As `readText`, with a byte order mark, while everything else waits: for one of millions of small files. */
export function readSmallText(path: string, limit: number): string {
  const refuse = (size: number) => (size > limit ? tooLong(path, size, limit) : undefined);
  return decoded(path, readSmallFile(path, refuse), "kept");
}

/** By what becomes of a byte order mark. */
const DECODERS = {
  kept: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }),
  "left out": new TextDecoder("utf-8", { fatal: true }),
};

function decoded(path: string, bytes: Uint8Array, mark: keyof typeof DECODERS): string {
  try {
    return DECODERS[mark].decode(bytes);
  } catch (cause) {
    throw new IllustriousError("bad_file", `${path}: not UTF-8`, "Save the file as UTF-8.", { cause });
  }
}

function tooLong(path: string, size: number, limit: number): IllustriousError {
  return new IllustriousError("bad_file", `${path}: ${size} bytes of text, more than ${limit}`, "Name the right file.");
}

/**
 * Lines that are not blank, with their numbers, from 1; without a byte order mark. A file of any length.
 *
 * @param limit bytes of a line
 * @throws IllustriousError `missing_file`; `bad_file`
 */
export async function* numberedLines(
  path: string,
  limit?: number,
): AsyncGenerator<{ number: number; text: string }, void> {
  const { handle } = await openRegularFile(path);
  try {
    let number = 0;
    for await (const { bytes } of linesOf(handle, path, limit)) {
      number++;
      const line = bytes.toString("utf8").replace(/\r?\n$/, "");
      const text = number === 1 ? line.replace(/^\ufeff/, "") : line;
      if (text.trim() !== "") yield { number, text };
    }
  } finally {
    await handle.close();
  }
}
