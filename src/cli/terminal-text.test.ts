/** @file Harmless text, one line of JSON, and widths as terminals count them. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { clip, displayWidth, jsonLine, safeLine, safeText } from "./terminal-text.ts";

/** What a terminal might obey: C0 but tab and line feed, DEL, C1; and what turns the direction of writing. */
const OBEYED = /[\p{Cc}\u2028-\u202e\u2066-\u2069\u200e\u200f\u061c]/u;

const anything = fc.string({ unit: "binary" });

test("nothing that a terminal obeys comes through, and all else does", () => {
  fc.assert(
    fc.property(anything, (text) => {
      expect(safeText(text).replace(/[\t\n]/g, "")).not.toMatch(OBEYED);
      expect(safeLine(text)).not.toMatch(OBEYED);
      expect(jsonLine({ text }).trimEnd()).not.toMatch(OBEYED);
      const harmless = text.replace(new RegExp(OBEYED, "gu"), "");
      expect(safeText(harmless)).toBe(harmless);
    }),
  );
  expect(safeText("a\x1b[31mb\r\n\tc\u009b2J\u202e")).toBe("a\\x1b[31mb\n\tc\\x9b2J\\u202e");
  expect(safeLine("a\n\tb")).toBe("a\\n\\tb");
});

test("a line of JSON reads back, but for numbers that JSON has not", () => {
  fc.assert(
    fc.property(anything, fc.double({ noDefaultInfinity: true, noNaN: true }), (text, number) => {
      const line = jsonLine({ text, number });
      expect(line.indexOf("\n")).toBe(line.length - 1);
      expect(JSON.parse(line)).toEqual({ text, number: number === 0 ? 0 : number });
    }),
  );
  expect(jsonLine([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN])).toBe(
    '["Infinity","-Infinity","NaN"]\n',
  );
});

test("widths: wide letters take two columns, marks none", () => {
  expect(["abc", "日本", "ｱ", "é", "e\u0301", "🎨", "한글"].map(displayWidth)).toEqual([3, 4, 1, 1, 1, 2, 4]);
  expect(clip("abcdef", 6)).toBe("abcdef");
  expect(clip("abcdef", 5)).toBe("abcd…");
  expect(clip("日本語", 5)).toBe("日本…");
  expect(clip("日本語", 4)).toBe("日…");
});
