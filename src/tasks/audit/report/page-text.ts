/** @file Text and numbers in a report's page. Everything that comes from files goes through `told`. */

import { escapeMarkup } from "../../../trainer/plot/svg.ts";

/** What steers a terminal or turns writing round, but for the joiners that scripts and emoji need; and separators of lines. */
const UNSEEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Markup of a text of strangers: what cannot be seen is spelled out, the rest escaped, and its direction keeps to itself. */
export function told(text: string, mostLetters = 300): string {
  return `<bdi>${plain(text, mostLetters)}</bdi>`;
}

/** The same for attributes. */
export function plain(text: string, mostLetters = 300): string {
  const letters = [...text.slice(0, 2 * mostLetters)];
  const cut = letters.length > mostLetters || text.length > 2 * mostLetters;
  const seen = letters.slice(0, mostLetters).join("").replace(UNSEEN, spelled);
  return escapeMarkup(cut ? `${seen}…` : seen);
}

function spelled(character: string): string {
  return character === "\n" ? "\\n" : `\\u{${character.codePointAt(0)!.toString(16)}}`;
}

/** Three digits and no more zeros than needed. */
export function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

export function whole(count: number): string {
  return count.toLocaleString("en-US");
}

/** @param share 0 to 1 */
export function percent(share: number): string {
  if (share > 0 && share < 0.0005) return "< 0.1 %";
  return `${(100 * share).toFixed(1)} %`;
}

export type Column = "text" | "number" | "bar";

/** @param rows cells that are markup; of a bar, the share of its full length */
export function table(
  heads: readonly string[],
  columns: readonly Column[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const head = heads.map((text) => `<th scope="col">${text}</th>`).join("");
  const body = rows.map((row) => `<tr>${row.map((cell, c) => cellOf(cell, columns[c]!)).join("")}</tr>`);
  const region = `<div class="scroll" tabindex="0" role="region" aria-label="table">`;
  return `${region}<table><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table></div>`;
}

function cellOf(cell: string | number, column: Column): string {
  if (column === "text") return `<td class="text">${cell}</td>`;
  if (column === "number") return `<td>${typeof cell === "number" ? whole(cell) : cell}</td>`;
  const width = Math.max(0, Math.min(100, 100 * Number(cell))).toFixed(2);
  const bar = `<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="b" width="${width}" height="8"/></svg>`;
  return `<td class="bar">${bar}</td>`;
}
