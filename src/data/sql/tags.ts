/** @file Tags of captions' first lines, by how much more or less frequent they are in one audit than in another. */

import type { DuckDBConnection } from "@duckdb/node-api";
import { literal } from "./audit-database.ts";
import { type SqlProgress, withProgress } from "./with-progress.ts";

/** Images with the tag. */
export type TagChange = { readonly tag: string; readonly a: number; readonly b: number };

export type TagComparison = {
  /** More frequent in the second audit, by the difference of its shares of captioned images; the largest first. */
  readonly more: readonly TagChange[];
  readonly fewer: readonly TagChange[];
};

/** Each way. */
const MOST = 50;

/** Longer parts of a caption are sentences, as the report has it. */
const MOST_LETTERS = 40;

/** What JavaScript trims. */
const SPACES = literal(
  " \t\n\v\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff",
);

/** @param captioned images with captions in each */
export async function* compareTags(
  connection: DuckDBConnection,
  captioned: { readonly a: number; readonly b: number },
): AsyncGenerator<SqlProgress, TagComparison> {
  for (const side of ["a", "b"]) {
    const parts = `string_split(split_part(caption, chr(10), 1), ',')`;
    const trimmed = `list_distinct(list_transform(${parts}, lambda part: trim(part, ${SPACES})))`;
    const sql = `
      create temp table ${side}_tags as select tag, count(*)::double as images
      from (select unnest(${trimmed}) as tag from ${side}_images where caption_error is null)
      where tag <> '' and length(tag) <= ${MOST_LETTERS} group by tag`;
    yield* withProgress(connection, connection.run(sql));
  }
  const share = (side: "a" | "b") => `${side} / ${Math.max(1, captioned[side])}::double`;
  const change = async (sign: "+" | "-"): Promise<TagChange[]> => {
    const rise = sign === "+" ? `${share("b")} - ${share("a")}` : `${share("a")} - ${share("b")}`;
    const result = await connection.run(`
      select tag, a, b from (
        select tag, coalesce(a_tags.images, 0) as a, coalesce(b_tags.images, 0) as b
        from a_tags full join b_tags using (tag))
      where ${rise} > 0 order by ${rise} desc, tag limit ${MOST}`);
    return (await result.getRowObjectsJS()) as TagChange[];
  };
  return {
    more: yield* withProgress(connection, change("+")),
    fewer: yield* withProgress(connection, change("-")),
  };
}
