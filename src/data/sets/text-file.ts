/** @file Text files of unknown origin: UTF-8, with an upper limit, errors that name the file. */

import { IllustriousError } from "../../base/error.ts";
import { openRegularFile, readAt, withRegularFile } from "../../formats/regular-file.ts";

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
    throw new IllustriousError(
      "bad_file",
      `${path}: ${size} bytes of text, more than ${limit}`,
      "Name the right file.",
    );
  });
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: mark === "kept" }).decode(bytes);
  } catch (cause) {
    throw new IllustriousError("bad_file", `${path}: not UTF-8`, "Save the file as UTF-8.", { cause });
  }
}

/**
 * Lines that are not blank, with their numbers, from 1; without a byte order mark. A file of any length.
 *
 * @throws IllustriousError `missing_file`; `bad_file`
 */
export async function* numberedLines(path: string): AsyncGenerator<{ number: number; text: string }, void> {
  const { handle } = await openRegularFile(path);
  try {
    let number = 0;
    for await (const line of handle.readLines({ encoding: "utf8", autoClose: false })) {
      number++;
      const text = number === 1 ? line.replace(/^\ufeff/, "") : line;
      if (text.trim() !== "") yield { number, text };
    }
  } finally {
    await handle.close();
  }
}
