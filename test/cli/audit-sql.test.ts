/** @file `illustrious audit sql` as a process: its four outputs, its exit codes, and Ctrl-C. */

import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { readParquet } from "../../src/formats/parquet.ts";
import { auditRow, layAudit } from "../audit/lay-audit.ts";

const MAIN = join(import.meta.dirname, "../../dist/cli/main.js");
// Each test starts the program several times, and each start loads DuckDB's 68 MB.
vi.setConfig({ testTimeout: 240_000 });

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "audit-sql-"));
  const rows = Array.from({ length: 150 }, (_, i) =>
    auditRow(i, i === 0 ? { caption: "\u001b[2J, \u202ered\nb" } : {}),
  );
  await layAudit(join(root, "audit"), rows);
});
afterAll(() => rm(root, { recursive: true, force: true }));

function start(sql: string, ...flags: string[]) {
  const env = { ...process.env, NO_COLOR: "1", TMPDIR: root };
  const child = spawn(process.execPath, [MAIN, "audit", "sql", "audit", sql, ...flags], { cwd: root, env });
  const texts = { out: "", err: "" };
  child.stdout.on("data", (data) => (texts.out += data));
  child.stderr.on("data", (data) => (texts.err += data));
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.once("close", (code) => resolve({ code, ...texts })),
  );
  return { child, texts, ended };
}

test("people get a table, its end told when it is cut, in which no caption steers the terminal", async () => {
  const { code, out, err } = await start("select id, caption from images order by id").ended;
  expect(code).toBe(0);
  expect(out.split("\n").slice(0, 4)).toEqual([
    "id  caption",
    "──  ─────────────────────",
    " 0  \\x1b[2J, \\u202ered\\nb",
    " 1",
  ]);
  expect(out.trimEnd().split("\n")).toHaveLength(102);
  expect(err).toBe("the first 100 rows; there are more, see --rows\n");
});

test("programs get all rows, as lines of JSON or as CSV", async () => {
  const json = await start("select id, caption from images order by id", "--json").ended;
  const lines = json.out.trimEnd().split("\n");
  expect(lines).toHaveLength(150);
  expect(JSON.parse(lines[0]!)).toEqual({ id: 0, caption: "\u001b[2J, \u202ered\nb" });
  expect(lines[0]).not.toContain("\u202e");
  const csv = await start("select id, caption from images order by id", "--csv", "--rows", "2").ended;
  expect(csv.out).toBe('id,caption\n0,"\u001b[2J, \u202ered\nb"\n1,\n');
  expect(csv.err).toContain("the first 2 rows; there are more");
});

test("a Parquet file appears whole, and nothing else stays behind", async () => {
  const { code, err } = await start("select id from images order by id desc", "--parquet", "new/ids.parquet").ended;
  expect([code, err]).toEqual([0, "150 rows in new/ids.parquet\n"]);
  const rows = await readParquet(join(root, "new/ids.parquet"), [{ name: "id", type: "int32" }]);
  expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 150 }, (_, i) => 149 - i));
  expect((await readdir(root)).sort()).toEqual(["audit", "new"]);
  expect(await readdir(join(root, "new"))).toEqual(["ids.parquet"]);
});

test("mistakes end with 2, and say what DuckDB suggests; a refused statement has no effect", async () => {
  const typo = await start("select satration from images").ended;
  expect(typo.code).toBe(2);
  expect(typo.err).toMatch(/error: Binder Error: .*satration[\s\S]*"saturation"[\s\S]*LINE 1: select satration/);
  const before = await readFile(join(root, "audit/table/rows-00000.parquet"));
  for (const sql of ["copy (select 1) to 'audit/table/rows-00000.parquet'", "select * from read_csv('/etc/passwd')"]) {
    expect(await start(sql, "--json").ended).toMatchObject({ code: 2, out: expect.stringContaining('"bad_option"') });
  }
  expect(await readFile(join(root, "audit/table/rows-00000.parquet"))).toEqual(before);
  expect(await start("select 1", "--json", "--csv").ended).toMatchObject({ code: 2 });
});

test("Ctrl-C interrupts a query", async () => {
  const { child, texts, ended } = start(
    "select count(*) from range(100000000) a, range(100000000) b where hash(a.range) = b.range",
  );
  while (!texts.err.includes("asking for")) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill("SIGINT");
  const { code, err } = await ended;
  expect(code).toBe(130);
  expect(err).toMatch(/stopping the query.*\nstopped\n$/);
  expect((await readdir(root)).filter((name) => name.startsWith("illustrious-"))).toEqual([]);
});
