/** @file Errors as the user gets them: what is wrong, the way out, and the exit code. */

import { IllustriousError } from "../base/error.ts";
import { paintFor } from "./colour.ts";
import { EXIT, type Shell } from "./shell.ts";
import { jsonLine, safeText } from "./terminal-text.ts";

/** The line of JSON on stdout that a program gets. */
export function tellProgram(error: unknown, { stdout }: Pick<Shell, "stdout">): void {
  const known = error instanceof IllustriousError;
  const message = error instanceof Error ? error.message : String(error);
  const code = known ? error.code : "internal";
  stdout.write(jsonLine({ type: "error", code, message, ...(known && { hint: error.hint }) }));
}

/** Message and way out on stderr; with `json` a line on stdout as well. */
export function tellError(error: unknown, shell: Shell, json: boolean): void {
  const { stderr, env } = shell;
  const paint = paintFor(stderr, env);
  const known = error instanceof IllustriousError;
  const message = error instanceof Error ? error.message : String(error);
  if (json) tellProgram(error, shell);
  for (const line of safeText(message).split("\n")) stderr.write(`${paint.red("error:")} ${line}\n`);
  if (known && error.hint !== undefined) stderr.write(`  ${safeText(error.hint).replaceAll("\n", "\n  ")}\n`);
  // What no rule foresaw is a mistake of ours, and the place where it arose is what a report of it needs.
  if (!known && error instanceof Error && error.stack) stderr.write(`${safeText(error.stack)}\n`);
}

export function exitCodeFor(error: unknown): number {
  const usage = error instanceof IllustriousError && (error.code === "bad_option" || error.code === "bad_prompt");
  return usage ? EXIT.usage : EXIT.failed;
}
