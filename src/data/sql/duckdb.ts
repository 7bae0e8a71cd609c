/** @file DuckDB, which is loaded when it is first asked for: it comes as an optional package, for not every system has one. */

import { IllustriousError } from "../../base/error.ts";

export type DuckDb = typeof import("@duckdb/node-api");

/** As in package.json. */
const PACKAGE = "@duckdb/node-api@1.5.6-r.1";

/**
 * @param load in the package's place
 * @throws IllustriousError `unsupported` where the package, or its binary for this system, is not installed
 */
export async function loadDuckDb(load: () => Promise<DuckDb> = () => import("@duckdb/node-api")): Promise<DuckDb> {
  try {
    return await load();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    const system = `${process.platform}-${process.arch}`;
    const hint = `Install it: npm install ${PACKAGE}. There are binaries for Linux, macOS and Windows on x64 and arm64.`;
    throw new IllustriousError("unsupported", `DuckDB cannot be loaded on ${system} (${why})`, hint, { cause });
  }
}
