/** @file What every command is handed, and how it tells of its end. */

import type { Command } from "commander";
import { IllustriousError } from "../base/error.ts";
import type { GenerateTask } from "./follow.ts";
import type { Shell } from "./shell.ts";

/** The library's tasks, behind functions that load them when they are first called. */
export type Tasks = { readonly generate: GenerateTask };

export type Context = {
  readonly shell: Shell;
  readonly tasks: Tasks;
  /** To be called once by the command that ran. */
  exitWith(code: number): void;
};

/** Adds arguments, options, examples and the action to a command that has its name and summary. */
export type Install = (command: Command, context: Context) => void;

/** A value as it is told: nothing at all would not be seen. */
export function quoted(value: string): string {
  return value === "" ? '""' : value;
}

/** A mistake in how a command was called. */
export function usageError(message: string, hint?: string): IllustriousError {
  return new IllustriousError("bad_option", message, hint);
}
