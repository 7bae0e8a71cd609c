/** @file Which files two audits share, by their bytes and not by their names. */

import type { DuckDBConnection } from "@duckdb/node-api";
import { type SqlProgress, withProgress } from "./with-progress.ts";

/** Where an image lies: a file, or an archive and the name in it. */
export type Found = { readonly source: string; readonly member: string | null };

/** Files that are the same byte for byte count once in each. */
export type ContentComparison = {
  readonly onlyA: number;
  readonly onlyB: number;
  readonly both: number;
  /** Of both, those whose captions are not the same; no caption and an empty one are. */
  readonly otherCaptions: number;
  /** The first few of each. */
  readonly examples: {
    readonly onlyA: readonly Found[];
    readonly onlyB: readonly Found[];
    /** The place in the second audit, and the first caption of each. */
    readonly otherCaptions: readonly (Found & { readonly a: string; readonly b: string })[];
  };
};

const EXAMPLES = 5;

export async function* compareContents(connection: DuckDBConnection): AsyncGenerator<SqlProgress, ContentComparison> {
  // Captions by a hash of 64 bits each, and sets of them by these laid over each other: two agree by chance once in 10^19.
  const contents = (side: string) => `
    select sha, min(id) as id, bit_xor(caption) as captions
    from (select unhex(sha256) as sha, hash(coalesce(caption, '')) as caption, min(id) as id
          from ${side}_images where sha256 is not null group by all)
    group by sha`;
  const join = `
    create temp table contents as select a.id as a, b.id as b, a.captions <> b.captions as other
    from (${contents("a")}) as a full join (${contents("b")}) as b using (sha)`;
  yield* withProgress(connection, connection.run(join));
  const rows = async (sql: string) => (await connection.run(sql)).getRowObjectsJS();
  const [counts] = yield* withProgress(
    connection,
    rows(`select count(*) filter (b is null)::double as "onlyA", count(*) filter (a is null)::double as "onlyB",
      count(*) filter (a is not null and b is not null)::double as "both", count(*) filter (other)::double as "otherCaptions"
      from contents`),
  );
  const only = (side: "a" | "b", other: "a" | "b") =>
    rows(`select source, member from ${side}_images join (
      select ${side} as id from contents where ${other} is null order by id limit ${EXAMPLES}) using (id) order by id`);
  const changed = () =>
    rows(`select y.source, y.member, coalesce(x.caption, '') as a, coalesce(y.caption, '') as b
    from (select * from contents where other order by b limit ${EXAMPLES}) as changed
    join a_images as x on x.id = changed.a join b_images as y on y.id = changed.b order by y.id`);
  const [onlyA, onlyB, otherCaptions] = yield* withProgress(
    connection,
    (async () => [await only("a", "b"), await only("b", "a"), await changed()])(),
  );
  const examples = { onlyA, onlyB, otherCaptions } as unknown as ContentComparison["examples"];
  return { ...(counts as Omit<ContentComparison, "examples">), examples };
}
