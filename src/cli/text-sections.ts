/** @file Reports of headed sections, for a terminal: text of strangers is made harmless here and nowhere else. */

import type { Paint } from "./colour.ts";
import { displayWidth, safeLine, safeText } from "./terminal-text.ts";

export type Section = {
  readonly title: string;
  readonly lines: readonly string[];
};

/** Sections without lines are left out. */
export function sectionsText(sections: readonly Section[], paint: Paint): string {
  return sections
    .filter(({ lines }) => lines.length > 0)
    .map(({ title, lines }) => {
      const body = lines.flatMap((line) => safeText(line).split("\n"));
      return `${paint.bold(safeLine(title))}\n${body.map((line) => `  ${line}`.trimEnd()).join("\n")}\n`;
    })
    .join("\n");
}

/** Rows of cells, each column as wide as its widest; numbers stand on the right. */
export function tableLines(rows: readonly (readonly (string | number)[])[]): string[] {
  const texts = rows.map((row) => row.map((cell) => (typeof cell === "number" ? cell.toLocaleString("en-US") : cell)));
  const widths = (texts[0] ?? []).map((_, c) => Math.max(...texts.map((row) => displayWidth(row[c] ?? ""))));
  return texts.map((row, r) =>
    row
      .map((text, c) => {
        const fill = " ".repeat(widths[c]! - displayWidth(text));
        return typeof rows[r]![c] === "number" ? fill + text : text + fill;
      })
      .join("  ")
      .trimEnd(),
  );
}

/** The first few, and how many more there are. */
export function listed(items: readonly string[], atMost: number): string[] {
  if (items.length <= atMost) return [...items];
  return [
    ...items.slice(0, atMost),
    `… and ${(items.length - atMost).toLocaleString("en-US")} more (--full lists all)`,
  ];
}
