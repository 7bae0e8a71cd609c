/** @file The report on an audit, for programs: `for await (const event of auditReport({ audit, html })) …`. */

import type { AuditReportEvent, AuditReportInput } from "./audit/report/options.ts";
import type { AuditControl } from "./audit/run.ts";

/**
 * Tells a finished audit in figures, which the last event has; with `html` it also writes them as one page, with small pictures of the
 * images at both ends of each measure, which needs nothing but itself.
 *
 * @throws IllustriousError `missing_file` where there is no audit; `bad_file` for a damaged one; `bad_option`; `write_failed`;
 * `cancelled` after an abort, when no page is written; `engine_failed` when decoding processes cannot be started
 */
export async function* auditReport(
  input: AuditReportInput,
  control: AuditControl = {},
): AsyncGenerator<AuditReportEvent, void> {
  const { runReport } = await import("./audit/report/run.ts");
  yield* runReport(input, control);
}
