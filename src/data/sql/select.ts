/** @file What may be asked: one statement, and one that only reads. */

import type { DuckDBConnection, DuckDBPreparedStatement } from "@duckdb/node-api";
import { IllustriousError } from "../../base/error.ts";
import type { AuditDatabase } from "./audit-database.ts";
import { sqlFailure } from "./failures.ts";

const HINT = "One statement that reads is run here: select, with, from, values, describe or summarize.";

/**
 * The statement, ready to be run. Only a SELECT passes, which cannot write whatever it calls: not even EXPLAIN does, for with
 * ANALYZE it carries out what it explains.
 *
 * @throws IllustriousError `bad_option` for any other number or kind of statements, and for what DuckDB does not understand
 */
export async function prepareSelect(
  { duckdb, connection }: Pick<AuditDatabase, "duckdb" | "connection">,
  sql: string,
): Promise<DuckDBPreparedStatement> {
  const statements = await extracted(connection, sql);
  const count = statements?.count ?? 0;
  if (!statements || count !== 1) {
    throw new IllustriousError("bad_option", `${count} statements, where one can be run`, HINT);
  }
  const prepared = await statements.prepare(0).catch((error: unknown) => {
    throw sqlFailure(error);
  });
  if (prepared.statementType === duckdb.StatementType.SELECT) return prepared;
  const kind = duckdb.StatementType[prepared.statementType];
  prepared.destroySync();
  throw new IllustriousError("bad_option", `a statement of the kind ${kind} is not run here`, HINT);
}

/** `undefined` for a text without statements, of which the binding says only that it failed. */
async function extracted(connection: DuckDBConnection, sql: string) {
  try {
    return await connection.extractStatements(sql);
  } catch (error) {
    if (error instanceof Error && error.message === "Error in native callback") return undefined;
    throw sqlFailure(error);
  }
}
