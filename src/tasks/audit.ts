/** @file The audit of an image set, for programs: `for await (const event of audit({ paths, out })) …`. */

import type { AuditEvent } from "./audit/events.ts";
import type { AuditInput } from "./audit/options.ts";
import type { AuditControl } from "./audit/run.ts";

/**
 * Measures every image of folders, lists and archives, and writes a row for each into `out/table/`, as Parquet. Files that are broken
 * or hostile become rows with a reason. A later call with the same paths goes on where this one stopped, and decodes only what has
 * changed since.
 *
 * @throws IllustriousError `bad_option`, `missing_file` and `write_failed` before anything is measured; `bad_file` when there are no
 * images; `write_failed` for a full disk; `cancelled` after an abort; `engine_failed` when decoding processes cannot be started
 */
export async function* audit(input: AuditInput, control: AuditControl = {}): AsyncGenerator<AuditEvent, void> {
  // Parquet and the decoder's settings are not for programs that never audit.
  const { runAudit } = await import("./audit/run.ts");
  yield* runAudit(input, control);
}
