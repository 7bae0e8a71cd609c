/**
 * @file The tables of finished audits as views of a DuckDB in memory, which can read those files and nothing else: no other file, no
 * network, no extension. All settings are locked before any statement of a user's.
 */

import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { DUPLICATES_FILE, finishedTable } from "../audit/index.ts";
import { type DuckDb, loadDuckDb } from "./duckdb.ts";
import { sqlFailure } from "./failures.ts";

export type AuditDatabaseOptions = {
  /** Folders of finished audits, by what their views' names begin with: `a_` makes `a_images` and `a_near_duplicates`. */
  readonly audits: Readonly<Record<string, string>>;
  /** An empty folder of the caller's, for what does not fit in memory and for a result as a file. */
  readonly scratch: string;
  /** Bytes. */
  readonly memory: number;
  readonly threads: number;
};

export type AuditDatabase = {
  readonly duckdb: DuckDb;
  readonly connection: DuckDBConnection;
  close(): void;
};

/** The one file that a statement of ours may write. */
export function resultPath(scratch: string): string {
  return join(scratch, "result.parquet");
}

/** @throws IllustriousError `missing_file` where there is no complete audit; `bad_file` for a damaged one; `unsupported` without DuckDB */
export async function openAuditDatabase(options: AuditDatabaseOptions): Promise<AuditDatabase> {
  const { audits, scratch, memory, threads } = options;
  const tables = await Promise.all(
    Object.entries(audits).map(async ([prefix, folder]) => ({ prefix, ...(await finishedTable(folder)) })),
  );
  const duckdb = await loadDuckDb();
  const instance = await duckdb.DuckDBInstance.create(":memory:", {
    memory_limit: `${Math.floor(memory / 2 ** 20)}MiB`,
    threads: String(threads),
    temp_directory: join(scratch, "spill"),
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
  });
  const connection = await instance.connect();
  const close = () => {
    connection.closeSync();
    instance.closeSync();
  };
  try {
    const views = tables.flatMap(({ prefix, table, shards }) => [
      { name: `${prefix}images`, files: shards },
      { name: `${prefix}near_duplicates`, files: [join(table, DUPLICATES_FILE)] },
    ]);
    const files = [...views.flatMap((view) => view.files), resultPath(scratch)];
    // Counted for whoever waits; nothing is printed.
    await connection.run("set enable_progress_bar = true");
    await connection.run("set enable_progress_bar_print = false");
    await connection.run(`set allowed_paths = ${listLiteral(files)}`);
    await connection.run("set enable_external_access = false");
    await connection.run("set lock_configuration = true");
    for (const view of views) {
      await connection.run(
        `create view ${view.name} as from read_parquet(${listLiteral(view.files)}, hive_partitioning = false)`,
      );
    }
    return { duckdb, connection, close };
  } catch (error) {
    close();
    throw sqlFailure(error);
  }
}

/** A text as SQL has it. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function listLiteral(texts: readonly string[]): string {
  return `[${texts.map(literal).join(", ")}]`;
}
