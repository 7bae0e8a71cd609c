/** @file Rows of a query as tables and CSV, whatever stands in them. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { csvLines, queryTable } from "./query-output.ts";
import { displayWidth } from "./terminal-text.ts";

/** Another reader of CSV: a state a character, as RFC 4180 tells it. */
function parseCsv(text: string): (string | null)[][] {
  const rows: (string | null)[][] = [];
  let row: (string | null)[] = [];
  for (let at = 0; at < text.length; ) {
    let field: string | null;
    if (text[at] === '"') {
      const parts: string[] = [];
      for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
        parts.push(text[at]!);
        if (text[at] === '"') at++;
      }
      at++;
      field = parts.join("");
    } else {
      const end = text.slice(at).search(/[,\n]/) + at;
      field = end === at ? null : text.slice(at, end);
      at = end;
    }
    row.push(field);
    if (text[at++] === "\n") {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

test("CSV comes back as it was, null and empty text apart", () => {
  const field = fc.option(fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("", '"', "\r\n", ",", "a\nb")));
  fc.assert(
    fc.property(fc.array(fc.array(field, { minLength: 2, maxLength: 2 })), (rows) => {
      expect(parseCsv(csvLines(rows, false))).toEqual(rows);
    }),
  );
  expect(csvLines([[1.25, true, [1, "a"]]], false)).toBe('1.25,true,"[1,""a""]"\n');
});

test("on a terminal no text steers it, in a file it stays what it is", () => {
  const hostile = [["\u001b]0;title\u0007\u202e"]];
  expect(csvLines(hostile, true)).toBe("\\x1b]0;title\\x07\\u202e\n");
  expect(csvLines(hostile, false)).toBe("\u001b]0;title\u0007\u202e\n");
  const table = queryTable([{ name: "a\u009b", type: "VARCHAR" }], [["x\u001b[2J\ny"]]);
  expect(table).toBe("a\\x9b\n───────────\nx\\x1b[2J\\ny\n");
});

test("a table has columns of one width, numbers on the right, long texts cut", () => {
  const columns = ["id", "name", "mean"].map((name) => ({ name, type: "" }));
  const table = queryTable(columns, [
    [7, "初音", 0.1234567891],
    [1024, null, 12],
    [1, "x".repeat(500), null],
  ]);
  const lines = table.trimEnd().split("\n");
  expect(lines[2]).toMatch(/^ {3}7 {2}初音 +0\.123457$/);
  expect(lines[3]).toMatch(/^1024 +12$/);
  expect(displayWidth(lines[2]!)).toBe(displayWidth(lines[3]!));
  expect(lines[4]).toContain("x…");
  expect(Math.max(...lines.map(displayWidth))).toBe(4 + 2 + 60 + 2 + 8);
});

test.each([
  [123456789.125, "123456789.125"],
  [1796000000000.5, "1796000000000.5"],
  [1796000000000.0625, "1796000000000.063"],
  [-98765432.98765, "-98765432.988"],
  [1796000000000, "1796000000000"],
  [9007199254740991, "9007199254740991"],
  [2 / 3, "0.666667"],
  [100 / 3, "33.3333"],
  [1e-9 / 3, "3.33333e-10"],
])("on a terminal %d is %s: no zero stands for a digit", (value, text) => {
  expect(queryTable([{ name: "n", type: "DOUBLE" }], [[value]]).split("\n")[2]).toBe(text);
});
