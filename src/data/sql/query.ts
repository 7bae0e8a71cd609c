/** @file A user's query on the tables of an audit: progress while it works, then columns and rows, or a Parquet file of them. */

import type { DuckDBConnection, DuckDBPreparedStatement, Json } from "@duckdb/node-api";
import { type AuditDatabaseOptions, literal, openAuditDatabase, resultPath } from "./audit-database.ts";
import { sqlFailure } from "./failures.ts";
import { jsonConverter } from "./json-values.ts";
import { prepareSelect } from "./select.ts";
import { type SqlProgress, withProgress } from "./with-progress.ts";

export type QueryRequest = AuditDatabaseOptions & {
  readonly sql: string;
  /** Rows to give at most; all if not given. */
  readonly rows?: number | undefined;
  /** Whether the result is to become `resultPath`. */
  readonly asFile: boolean;
};

export type QueryEvent =
  | SqlProgress
  /** Before the first row; each name once. `type` as DuckDB calls it. */
  | { readonly type: "columns"; readonly columns: readonly { readonly name: string; readonly type: string }[] }
  | { readonly type: "rows"; readonly rows: readonly (readonly Json[])[] }
  /** `more` when there are rows beyond those that were asked for. */
  | { readonly type: "done"; readonly rows: number; readonly more: boolean };

/**
 * @throws IllustriousError `bad_option` for a statement that is not understood or may not be run, with DuckDB's suggestion;
 * `missing_file`, `bad_file`, `unsupported` as `openAuditDatabase`; `not_enough_memory`; `cancelled`
 */
export async function* runQuery(request: QueryRequest, signal: AbortSignal): AsyncGenerator<QueryEvent, void> {
  const database = await openAuditDatabase(request);
  const { duckdb, connection } = database;
  const interrupt = () => connection.interrupt();
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    const statement = await prepareSelect(database, request.sql);
    if (request.asFile) yield* toFile(connection, request);
    else yield* toRows(connection, statement, jsonConverter(duckdb), request.rows ?? Number.POSITIVE_INFINITY);
  } catch (error) {
    throw sqlFailure(error);
  } finally {
    signal.removeEventListener("abort", interrupt);
    database.close();
  }
}

async function* toRows(
  connection: DuckDBConnection,
  statement: DuckDBPreparedStatement,
  converter: ReturnType<typeof jsonConverter>,
  most: number,
): AsyncGenerator<QueryEvent, void> {
  const result = yield* withProgress(connection, statement.stream());
  const types = result.columnTypes();
  const columns = result.deduplicatedColumnNames().map((name, i) => ({ name, type: String(types[i]) }));
  yield { type: "columns", columns };
  let given = 0;
  for (;;) {
    const chunk = yield* withProgress(connection, result.fetchChunk());
    if (chunk === null || chunk.rowCount === 0) break;
    const rows = chunk.convertRows(converter);
    const wanted = rows.slice(0, most - given);
    given += wanted.length;
    if (wanted.length > 0) yield { type: "rows", rows: wanted };
    if (wanted.length < rows.length) return yield { type: "done", rows: given, more: true };
  }
  yield { type: "done", rows: given, more: false };
}

/** The statement goes in as a text that is one SELECT or refused, so that nothing in it can end ours and begin another. */
async function* toFile(connection: DuckDBConnection, { sql, scratch }: QueryRequest): AsyncGenerator<QueryEvent, void> {
  const form = "format parquet, compression snappy, use_tmp_file false";
  const copy = `copy (from query(${literal(sql)})) to ${literal(resultPath(scratch))} (${form})`;
  const result = yield* withProgress(connection, connection.run(copy));
  const [[rows] = [0n]] = await result.getRows();
  yield { type: "done", rows: Number(rows), more: false };
}
