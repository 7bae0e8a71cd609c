/** @file TOML 1.0 as plain data. */

import { parse, stringify, TomlError } from "smol-toml";
import { IllustriousError } from "../base/error.ts";

/**
 * @param name of the text, for the error
 * @throws IllustriousError `bad_file` that names line and column
 */
export function parseToml(
  text: string,
  name: string,
  hint: string = "Correct the file's TOML.",
): Record<string, unknown> {
  try {
    return parse(text);
  } catch (cause) {
    const place = cause instanceof TomlError ? `line ${cause.line}, column ${cause.column}: ` : "";
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new IllustriousError("bad_file", `${name}: ${place}${reason}`, hint, { cause });
  }
}

export function encodeToml(table: Readonly<Record<string, unknown>>): string {
  return stringify(table);
}
