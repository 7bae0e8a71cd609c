/** @file Rows of a query as people and programs get them. Captions and names are strangers' texts, and may hold anything. */

import { clip, displayWidth, jsonLine, safeLine, safeText } from "./terminal-text.ts";

type Column = { readonly name: string; readonly type: string };

/** Columns of a terminal that one cell takes at most: a caption must not push the others off the screen. */
const WIDEST = 60;

/** With a line of names; numbers stand on the right. */
export function queryTable(columns: readonly Column[], rows: readonly (readonly unknown[])[]): string {
  const names = columns.map(({ name }) => cellText(name));
  const texts = [names, ...rows.map((row) => row.map(cellText))];
  const widths = names.map((_, c) => Math.max(...texts.map((row) => displayWidth(row[c]!))));
  const numeric = names.map((_, c) => rows.some((row) => typeof row[c] === "number"));
  const lineOf = (row: readonly string[]) =>
    row
      .map((text, c) => {
        const fill = " ".repeat(widths[c]! - displayWidth(text));
        return numeric[c] ? fill + text : text + fill;
      })
      .join("  ")
      .trimEnd();
  const [head, ...body] = texts.map(lineOf);
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return [head, rule, ...body].map((line) => `${line}\n`).join("");
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return numberText(value);
  return clip(safeLine(typeof value === "string" ? value : JSON.stringify(value)), WIDEST);
}

/** Whole numbers as they are; others rounded to six digits, or to three behind the point where that is more. */
function numberText(value: number): string {
  if (Number.isInteger(value)) return String(value);
  const before = String(Math.trunc(Math.abs(value))).length;
  return String(Number(value.toPrecision(Math.max(6, before + 3))));
}

/** An object of a row, by the columns' names. */
export function jsonRow(columns: readonly Column[], row: readonly unknown[]): string {
  return jsonLine(Object.fromEntries(columns.map(({ name }, c) => [name, row[c]])));
}

/**
 * RFC 4180, but with bare line feeds at the ends of lines: nothing for null, `""` for an empty text, JSON for lists and structs.
 *
 * @param visible whether control characters are made visible, as they must be for a terminal; a file gets the texts as they are
 */
export function csvLines(rows: readonly (readonly unknown[])[], visible: boolean): string {
  return rows.map((row) => `${row.map((value) => csvField(value, visible)).join(",")}\n`).join("");
}

function csvField(value: unknown, visible: boolean): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  const shown = visible ? safeText(text) : text;
  return shown === "" || /[",\r\n]/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}
