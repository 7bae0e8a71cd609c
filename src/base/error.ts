/** @file The one error class: a failure a user can cause has a code, the offending values and a way out. */

export type ErrorCode =
  | "bad_option"
  | "bad_shape"
  | "bad_graph"
  | "bad_file"
  | "bad_prompt"
  | "bad_schedule"
  | "missing_file"
  | "write_failed"
  | "missing_weight"
  | "unknown_model"
  | "pickle_refused"
  | "unsupported"
  | "not_enough_memory"
  | "broken_numbers"
  | "diverged"
  | "engine_failed"
  | "queue_failed"
  | "cancelled"
  | "internal";

export class IllustriousError extends Error {
  override readonly name = "IllustriousError";
  readonly code: ErrorCode;
  /** What the user can do about it. */
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, hint?: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}

/** A failure that no input should be able to cause: our own mistake, said as such. */
export function internalError(message: string): IllustriousError {
  return new IllustriousError("internal", `internal: ${message}`, "This is a bug; please report it.");
}
