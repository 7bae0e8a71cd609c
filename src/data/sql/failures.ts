/** @file What DuckDB says of a failure as an error of ours: its first line is the message, its suggestions are the way out. */

import { type ErrorCode, IllustriousError } from "../../base/error.ts";

const COLUMNS = "`describe images` lists the columns; docs/audit.md explains them.";

/** DuckDB's kinds of failure, and what is to be done about those that no change of the statement would help. */
const KINDS: readonly { readonly kind: RegExp; readonly code: ErrorCode; readonly hint: string }[] = [
  {
    kind: /^Out of Memory/,
    code: "not_enough_memory",
    hint: "Allow more with --memory, or ask for less at once: lists and sorted results are held whole.",
  },
  { kind: /^INTERRUPT/, code: "cancelled", hint: "Ask again." },
  {
    kind: /^(IO Error|Invalid Input Error: (No magic bytes|File '|Need at least)|Serialization|Corrupt|TProtocol)/,
    code: "bad_file",
    hint: "A file of the audit is missing or damaged: the audit that made it can make it again.",
  },
  {
    kind: /^Permission Error/,
    code: "bad_option",
    hint: "A query sees the audit's tables, images and near_duplicates, and nothing else of this machine.",
  },
  {
    kind: /^(INTERNAL|FATAL)/,
    code: "engine_failed",
    hint: "This is a mistake of DuckDB's; word the query otherwise.",
  },
];

/** Errors of ours are left as they are. */
export function sqlFailure(error: unknown): IllustriousError {
  if (error instanceof IllustriousError) return error;
  const text = (error instanceof Error ? error.message : String(error)).replace("Failed to extract statements: ", "");
  const [message = "", ...rest] = text.split("\n");
  const known = KINDS.find(({ kind }) => kind.test(text));
  const said = rest.join("\n").replace(/^\n+|\s+$/g, "");
  const hint = known?.hint ?? (said === "" ? COLUMNS : said);
  return new IllustriousError(known?.code ?? "bad_option", message, hint, { cause: error });
}
