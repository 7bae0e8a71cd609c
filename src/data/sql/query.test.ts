/** @file Queries on the tables of an audit: what they give, what they may not do, and how they end. */

import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { auditRow, hashOf, layAudit } from "../../../test/audit/lay-audit.ts";
import { readParquet } from "../../formats/parquet.ts";
import { type AuditDatabase, openAuditDatabase, resultPath } from "./audit-database.ts";
import { loadDuckDb } from "./duckdb.ts";
import { type QueryEvent, runQuery } from "./query.ts";

const ROWS = Array.from({ length: 50 }, (_, i) =>
  i === 7
    ? auditRow(i, { error: "broken", errorText: "cut short" })
    : auditRow(i, {
        ...{
          saturation: (37 * i) % 256,
          caption: i % 3 === 0 ? `tag ${i % 4}, "x"` : null,
          dhash: i === 0 ? 2n ** 63n + 1n : null,
        },
        ...{ sha256: hashOf(i === 9 ? "8" : `${i}`), hues: [0.25, ...Array(35).fill(0)] },
      }),
);

let root = "";
let audit = "";
let scratch = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "query-"));
  // Signs that DuckDB takes for patterns and for columns, and SQL for ends of texts.
  audit = join(root, "source=hive", "an [audit]'s *");
  await layAudit(audit, ROWS, 20);
  await writeFile(join(root, "secret.csv"), "a\n1\n");
}, 60_000);
beforeEach(async () => {
  scratch = await mkdtemp(join(root, "scratch-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const options = (memory = 500e6) => ({ audits: { "": audit }, scratch, memory, threads: 2 });

async function ask(sql: string, more: { rows?: number; asFile?: boolean; memory?: number } = {}) {
  const { memory, ...rest } = more;
  const events: QueryEvent[] = [];
  const request = { ...options(memory), sql, rows: undefined, asFile: false, ...rest };
  for await (const event of runQuery(request, new AbortController().signal)) events.push(event);
  const columns = events.flatMap((event) => (event.type === "columns" ? event.columns : []));
  return {
    columns,
    rows: events.flatMap((event) => (event.type === "rows" ? event.rows : [])),
    end: events.at(-1)!,
  };
}

test("a folder that is called as a column leaves the column what it is", async () => {
  expect((await ask("select distinct source from images where id < 2 order by source")).rows).toEqual([
    ["/s/0.png"],
    ["/s/1.png"],
  ]);
});

test("every column of every shard is there, with the values that were written", async () => {
  const { columns, rows } = await ask("select * from images order by id");
  const found = rows.map((row) => Object.fromEntries(columns.map(({ name }, c) => [name, row[c]])));
  expect(found.map(({ saturation }) => saturation)).toEqual(ROWS.map(({ saturation }) => saturation));
  expect(found.map(({ caption, error }) => [caption, error])).toEqual(
    ROWS.map(({ caption, error }) => [caption, error]),
  );
  // 2^63 + 1 is no number that JSON has.
  expect(found[0]).toMatchObject({ id: 0, bytes: 1000, dhash: "9223372036854775809", greyscale: false, width: 1024 });
  expect((found[0]!.hues as number[]).slice(0, 2)).toEqual([0.25, 0]);
});

test("aggregates agree with the rows, and near-duplicates join", async () => {
  const { rows } = await ask(
    "select count(*), avg(saturation), count(caption), sum(bytes) from images where error is null",
  );
  const kept = ROWS.filter(({ error }) => error === null);
  const mean = kept.reduce((sum, { saturation }) => sum + saturation!, 0) / kept.length;
  const bytes = kept.reduce((sum, row) => sum + row.bytes!, 0);
  expect(rows).toEqual([[49, expect.closeTo(mean, 9), kept.filter(({ caption }) => caption !== null).length, bytes]]);
  const joined = await ask(
    'select id, "group" from images join near_duplicates using (id) where same_file and id <> "group"',
  );
  expect(joined.rows).toEqual([[9, 8]]);
});

test("values of every kind become JSON", async () => {
  const { rows } = await ask(
    "select 1.5, 2::hugeint, date '2020-01-02', [9::bigint], {'a': null}, 'nan'::double, 10::decimal(38)",
  );
  expect(rows).toEqual([[1.5, 2, "2020-01-02", [9], { a: null }, "NaN", "10"]]);
});

test("rows are cut where it is asked, which is told", async () => {
  expect((await ask("select id from images order by id", { rows: 3 })).rows).toEqual([[0], [1], [2]]);
  expect((await ask("from range(5000)", { rows: 3000 })).end).toEqual({ type: "done", rows: 3000, more: true });
  expect((await ask("from range(3000)", { rows: 3000 })).end).toEqual({ type: "done", rows: 3000, more: false });
});

test("a file has the same rows", async () => {
  const sql =
    "-- the second one\nselect id, caption, 'it''s' as text from images where id < 4 order by id desc; -- end";
  expect((await ask(sql, { asFile: true })).end).toEqual({ type: "done", rows: 4, more: false });
  const columns = (["id", "caption", "text"] as const).map((name) => ({ name, type: "text" as const }));
  const file = await readParquet(resultPath(scratch), columns);
  expect(file.map(Object.values)).toEqual([3, 2, 1, 0].map((id) => [id, ROWS[id]!.caption, "it's"]));
  await ask("describe images", { asFile: true });
  expect(await readParquet(resultPath(scratch), [{ name: "column_name", type: "text" }])).toContainEqual({
    column_name: "hues",
  });
});

/** What must not be done, as statements: they are tried both as a user's query and behind the back of the check of statements. */
const FORBIDDEN = [
  "select * from read_csv('/etc/passwd')",
  "select * from read_csv('SECRET')",
  "select * from read_text('SECRET')",
  "select * from read_blob('TABLE/../../secret.csv')",
  "from 'SECRET'",
  "from glob('ROOT/*')",
  "from parquet_scan('https://example.com/x.parquet')",
  "copy images to 'ROOT/stolen.csv'",
  "copy (select 1) to 'TABLE/rows-00000.parquet' (use_tmp_file true)",
  "copy (select 1) to 'TABLE/rows-00009.parquet'",
  "export database 'ROOT/stolen'",
  "import database 'ROOT'",
  "attach 'ROOT/stolen.db'",
  "attach 'SECRET' as other (type sqlite)",
  "install httpfs",
  "load httpfs",
  "load 'ROOT/x.duckdb_extension'",
  "set enable_external_access = true",
  "set allowed_paths = ['/etc/passwd']",
  "set lock_configuration = false",
  "set temp_directory = 'ROOT'",
  "reset lock_configuration",
  "pragma enable_external_access = true",
  "pragma memory_limit = '1TB'",
];

const placed = (sql: string) =>
  sql
    .replace("SECRET", join(root, "secret.csv"))
    .replace("TABLE", join(audit, "table").replaceAll("'", "''"))
    .replace("ROOT", root);

test.each(FORBIDDEN)("refused: %s", async (sql) => {
  await expect(ask(placed(sql))).rejects.toMatchObject({ code: "bad_option" });
  // The harmless twin passes, so that it is not the statement's form which fails.
  expect((await ask("select count(*) from images")).rows).toEqual([[50]]);
});

test("even without the check of statements, the database reads and writes nothing else", async () => {
  const database: AuditDatabase = await openAuditDatabase(options());
  try {
    for (const sql of FORBIDDEN) await expect(database.connection.run(placed(sql)), sql).rejects.toThrow();
  } finally {
    database.close();
  }
  expect((await readdir(root)).filter((name) => name.startsWith("stolen"))).toEqual([]);
  expect((await ask("select count(*) from images")).rows).toEqual([[50]]);
});

test.each([
  ["explain analyze copy (select 1) to 'RESULT'", /kind EXPLAIN/],
  ["copy (select 1) to 'RESULT' (use_tmp_file false)", /kind COPY/],
  ["create table x as select 1", /kind CREATE/],
  ["select 1; drop view images", /2 statements/],
  ["select 1) to 'RESULT' (use_tmp_file false); select (1", /syntax error/],
  [" -- nothing", /0 statements/],
])("only one SELECT is run, in rows and in a file: %s", async (sql, message) => {
  const statement = sql.replace("RESULT", resultPath(scratch));
  const refused = { code: "bad_option", message: expect.stringMatching(message) };
  await expect(ask(statement)).rejects.toMatchObject(refused);
  await expect(ask(statement, { asFile: true })).rejects.toMatchObject(refused);
  await expect(access(resultPath(scratch))).rejects.toMatchObject({ code: "ENOENT" });
});

test("mistakes come with DuckDB's suggestion", async () => {
  await expect(ask("select saturatoin from images")).rejects.toMatchObject({
    code: "bad_option",
    message: expect.stringContaining("saturatoin"),
    hint: expect.stringMatching(/saturation[\s\S]*LINE 1: select saturatoin/),
  });
});

test("what does not fit in memory goes to the scratch folder, and what cannot is told", async () => {
  const digests = Array.from({ length: 400_000 }, (_, i) => createHash("md5").update(`${i}`).digest("hex")).sort();
  const sorted = "select m from (select md5(i::varchar) m from range(400000) t(i)) order by m";
  expect((await ask(sorted, { memory: 40e6 })).rows.flat()).toEqual(digests);
  const whole = "select list(repeat('x', 1000) || i) from range(1000000) t(i)";
  await expect(ask(whole, { memory: 30e6 })).rejects.toMatchObject({ code: "not_enough_memory" });
});

test("an abort ends a query that would take for ever", async () => {
  const stop = new AbortController();
  const endless = "select count(*) from range(100000000) a, range(100000000) b where hash(a.range + b.range) = 3";
  const request = { ...options(), sql: endless, rows: undefined, asFile: false };
  const events: string[] = [];
  const run = (async () => {
    for await (const event of runQuery(request, stop.signal)) {
      events.push(event.type);
      stop.abort();
    }
  })();
  await expect(run).rejects.toMatchObject({ code: "cancelled" });
  expect(events).toContain("progress");
  // Whoever only stops listening ends it, too.
  for await (const _ of runQuery(request, new AbortController().signal)) break;
});

test("no audit, a damaged one, and no DuckDB are told apart", async () => {
  const at = (folder: string) => openAuditDatabase({ ...options(), audits: { "": folder } });
  await expect(at(join(root, "none"))).rejects.toMatchObject({ code: "missing_file" });
  const damaged = join(root, "damaged");
  await mkdir(damaged);
  await layAudit(damaged, ROWS);
  await writeFile(join(damaged, "table/rows-00000.parquet"), "not Parquet at all");
  await expect(at(damaged)).rejects.toMatchObject({ code: "bad_file" });
  const none = () => Promise.reject(new Error("Cannot find module '@duckdb/node-bindings-linux-x64/duckdb.node'"));
  await expect(loadDuckDb(none)).rejects.toMatchObject({
    code: "unsupported",
    message: expect.stringContaining("duckdb.node"),
    hint: expect.stringContaining("npm install @duckdb/node-api"),
  });
});
