/** @file Audits asked in SQL, for programs: `for await (const event of queryAudit({ audit, sql })) …`. */

import type { QueryEvent } from "../data/sql/index.ts";
import type { AnalysisControl } from "./audit/analysis.ts";
import type { QueryInput } from "./audit/query.ts";

/**
 * Runs one SELECT on the tables `images` and `near_duplicates` of a finished audit, with DuckDB, in a process of its own that can read
 * these tables and no other file. Columns come first, then rows by the thousand as JSON has them; with `parquet` the rows become a file.
 *
 * @throws IllustriousError `bad_option` for a statement that is not understood or may not be run, with DuckDB's suggestion;
 * `missing_file` where there is no audit; `bad_file` for a damaged one; `unsupported` where DuckDB is not installed; `not_enough_memory`;
 * `write_failed`; `cancelled` after an abort
 */
export async function* queryAudit(input: QueryInput, control: AnalysisControl = {}): AsyncGenerator<QueryEvent, void> {
  const { runQueryAudit } = await import("./audit/query.ts");
  yield* runQueryAudit(input, control);
}
