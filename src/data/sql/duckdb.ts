/** @file DuckDB, which comes as an optional package, for not every system has one. */

import { optionalPackage } from "../../base/optional-package.ts";

export type DuckDb = typeof import("@duckdb/node-api");

/** As in package.json. */
const PACKAGE = "@duckdb/node-api@1.5.6-r.1";

/**
 * @param load in the package's place
 * @throws IllustriousError `unsupported` where the package, or its binary for this system, is not installed
 */
export async function loadDuckDb(load: () => Promise<DuckDb> = () => import("@duckdb/node-api")): Promise<DuckDb> {
  return optionalPackage("DuckDB", PACKAGE, load, "There are binaries for Linux, macOS and Windows on x64 and arm64.");
}
