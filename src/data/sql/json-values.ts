/** @file Values of a query's result as JSON has them: numbers where they are exact, else texts. */

import type { DuckDBValueConverter, Json } from "@duckdb/node-api";
import type { DuckDb } from "./duckdb.ts";

/** Whole numbers up to 2^53 and decimals of up to 15 digits become numbers, at any depth; larger ones stay texts. */
export function jsonConverter({ JsonDuckDBValueConverter, DuckDBDecimalValue }: DuckDb): DuckDBValueConverter<Json> {
  return (value, type, converter) => {
    if (typeof value === "bigint" && Number.isSafeInteger(Number(value))) return Number(value);
    if (value instanceof DuckDBDecimalValue && value.width <= 15) return Number(value.toString());
    return JsonDuckDBValueConverter(value, type, converter);
  };
}
