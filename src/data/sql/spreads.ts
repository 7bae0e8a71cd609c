/** @file How an audit's values are spread, counted by DuckDB in one walk over the table: the same fine bins as the report's. */

import type { DuckDBConnection } from "@duckdb/node-api";
import {
  columnName,
  type FineBins,
  MEASURES,
  measureSpreads,
  type SpreadCounter,
  spreadCounter,
} from "../audit/index.ts";
import { literal } from "./audit-database.ts";
import { type SqlProgress, withProgress } from "./with-progress.ts";

export type Spreads = Readonly<Record<string, SpreadCounter>>;

/** Of captions that are there: what JavaScript takes for white space parts words, and commas do. */
const WORDS = literal("[^\\t-\\r\\p{Z}\\x{feff},]+");
const captioned = (text: string) =>
  `case when caption_error is null and caption <> '' then len(regexp_extract_all(${text}, ${WORDS})) end`;

/** @param table `a_images`, say */
export async function* spreadsOf(connection: DuckDBConnection, table: string): AsyncGenerator<SqlProgress, Spreads> {
  const spreads: Record<string, SpreadCounter> = {
    ...measureSpreads(),
    aspect: spreadCounter(0, 4),
    words: spreadCounter(0, 5000, "log"),
    firstLineWords: spreadCounter(0, 5000, "log"),
  };
  const values: Readonly<Record<string, string>> = {
    ...Object.fromEntries(MEASURES.map((name) => [name, columnName(name)])),
    aspect: "case when error is null then width / height end",
    words: captioned("caption"),
    firstLineWords: captioned("split_part(caption, chr(10), 1)"),
  };
  const names = Object.keys(spreads);
  const columns = names.map((name, i) => `(${values[name]})::double as v${i}`);
  const entries = names.map((name, i) => `{'m': ${i}, 'v': v${i}, 'bin': ${binOf(`v${i}`, spreads[name]!.fine)}}`);
  const sql = `
    select m, bin, count(*)::double as count, sum(v) as sum, min(v) as least, max(v) as most
    from (select unnest([${entries.join(", ")}], recursive := true)
          from (select ${columns.join(", ")} from ${table}))
    where v is not null group by m, bin`;
  const result = yield* withProgress(connection, connection.run(sql));
  type Bin = { m: number; bin: number; count: number; sum: number; least: number; most: number };
  for (const { m, bin, ...rest } of (await result.getRowObjectsJS()) as Bin[]) spreads[names[m]!]!.addBin(bin, rest);
  return spreads;
}

function binOf(value: string, { from, to, scale, counts }: FineBins): string {
  const place = scale === "log" ? `ln(1 + greatest(0, ${value}))` : value;
  const [start, end] = scale === "log" ? [Math.log1p(from), Math.log1p(to)] : [from, to];
  const step = (end - start) / counts.length;
  return `least(${counts.length - 1}, greatest(0, floor((${place} - ${start}::double) / ${step}::double)))::integer`;
}
