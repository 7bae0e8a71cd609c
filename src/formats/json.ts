/** @file JSON that a user has written. */

import { IllustriousError } from "../base/error.ts";

/** @throws IllustriousError `bad_file` that names the file and what is wrong */
export function parseJsonFile(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new IllustriousError("bad_file", `${path}: ${reason}`, "Correct the file's JSON.", { cause });
  }
}
