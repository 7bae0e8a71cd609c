/** @file Text files of unknown origin: UTF-8, with an upper limit, errors that name the file. */

import { IllustriousError } from "../../base/error.ts";
import { readAt, withRegularFile } from "../../formats/regular-file.ts";

/**
 * The whole of a UTF-8 file, without a byte order mark.
 *
 * @param limit bytes
 * @throws IllustriousError `missing_file`; `bad_file` above the limit, or for other encodings
 */
export async function readText(path: string, limit: number): Promise<string> {
  const bytes = await withRegularFile(path, (handle, size) => {
    if (size <= limit) return readAt(handle, 0, size, path);
    throw new IllustriousError(
      "bad_file",
      `${path}: ${size} bytes of text, more than ${limit}`,
      "Name the right file.",
    );
  });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new IllustriousError("bad_file", `${path}: not UTF-8`, "Save the file as UTF-8.", { cause });
  }
}
