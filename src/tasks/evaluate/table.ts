/** @file An evaluation as people read it: a line a figure and a column a model, as plain text and as Markdown. */

import { CONTROL_FAMILY_NAMES } from "../../colour/index.ts";
import type { Figure } from "./figures.ts";
import type { Evaluation } from "./run.ts";

type Table = readonly (readonly string[])[];

/** For a terminal, columns padded; below it, a model's matrix of control tokens each. */
export function evaluationText(evaluation: Evaluation): string {
  const tables = [{ title: drawnHow(evaluation), table: mainTable(evaluation) }, ...matrices(evaluation)];
  return tables.map(({ title, table }) => `${title}\n\n${padded(table)}\n`).join("\n");
}

/** For a page. */
export function evaluationMarkdown(evaluation: Evaluation): string {
  const tables = [{ title: drawnHow(evaluation), table: mainTable(evaluation) }, ...matrices(evaluation)];
  return tables.map(({ title, table }) => `${title}\n\n${markdown(table)}\n`).join("\n");
}

function drawnHow({ how, seeds }: Evaluation): string {
  const { sampler, schedule, cfg, steps } = how;
  return `${sampler}, ${schedule}, CFG ${cfg}, ${steps} steps; ${seeds === 1 ? "seed 0" : `seeds 0 to ${seeds - 1}`} a cell`;
}

/** What one model has and another has not, as when an evaluation of other rows is set beside it, is a dash. */
function mainTable({ models }: Evaluation): Table {
  const lines = new Map<string, { row: string; name: string }>();
  for (const { rows } of models) {
    for (const { row, figures } of rows) {
      for (const figure of figures) lines.set(`${row}\n${figure.name}`, { row, name: labelOf(figure) });
    }
  }
  let last: string | undefined;
  const body = [...lines].map(([key, { row, name }]) => {
    const shown = row === last ? "" : row;
    last = row;
    const cells = models.map(({ rows }) => {
      const figures = rows.filter((one) => one.row === row).flatMap((one) => one.figures);
      const figure = figures.find((one) => `${row}\n${one.name}` === key);
      return figure ? figureText(figure) : "–";
    });
    return [shown, name, ...cells];
  });
  return [["row", "figure", ...models.map(({ name }) => name)], ...body];
}

function labelOf(figure: Figure): string {
  if (figure.kind === "movement") return `${familyName(figure.name)}: own measure (the other that moves most)`;
  return figure.kind === "number" && figure.unit === "of 255" ? `${figure.name}, of 255` : figure.name;
}

/** Such as `23/25 92 % (75–98)`, with the bounds of the 95 % interval. */
export function figureText(figure: Figure): string {
  switch (figure.kind) {
    case "share": {
      const percent = (share: number) => (100 * share).toFixed(0);
      const { right, of, low, high } = figure;
      return `${right}/${of} ${percent(right / of)} % (${percent(low)}–${percent(high)})`;
    }
    case "count":
      return `${figure.right} of ${figure.of}`;
    case "number": {
      const { value, unit } = figure;
      const text = minus(value.toFixed(Math.abs(value) < 10 ? 2 : 1));
      return unit === "" || unit === "of 255" ? text : `${text} ${unit}`;
    }
    case "movement": {
      const { right, rises, moves, family, most } = figure;
      const verdict = right ? "yes" : rises ? "no, another moves more" : "no, does not rise";
      return `${signed(moves[family])} SD (${familyName(most)} ${signed(moves[most])}): ${verdict}`;
    }
  }
}

/** Tokens of a family down, measures across. */
function matrices({ models }: Evaluation): { title: string; table: Table }[] {
  return models.flatMap(({ name, rows }) => {
    const figures = rows.flatMap((row) => row.figures).filter((figure) => figure.kind === "movement");
    if (figures.length === 0) return [];
    const head = ["tokens of", ...CONTROL_FAMILY_NAMES.map(familyName), "own measure at the four tokens"];
    const body = figures.map(({ family, moves, own }) => [
      familyName(family),
      ...CONTROL_FAMILY_NAMES.map((f) => signed(moves[f])),
      own.map((value) => String(Number(value.toPrecision(3)))).join(", "),
    ]);
    const title = `${name}: from a family's first token to its last, how far each measure moves, in standard deviations of the data`;
    return [{ title, table: [head, ...body] }];
  });
}

/** `dynamicColours` is "dynamic colours". */
const familyName = (family: string): string => family.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

const minus = (text: string): string => text.replace("-", "−");
const signed = (value: number): string => (value < 0 ? minus(value.toFixed(2)) : `+${value.toFixed(2)}`);

function padded(table: Table): string {
  const widths = table[0]!.map((_, c) => Math.max(...table.map((line) => line[c]!.length)));
  return table
    .map((line) =>
      line
        .map((text, c) => text.padEnd(widths[c]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function markdown([head = [], ...body]: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...body.map(line)].join("\n");
}
