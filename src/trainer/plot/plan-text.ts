/** @file A recipe's plan for a terminal: the same three curves in block characters, and the same table below. */

import { bandName, type NamedPlan, percent, sharesOf, terminalOf, terminalText } from "./plan-figures.ts";
import { figure } from "./scales.ts";

const BLOCKS = " ▁▂▃▄▅▆▇█";
const ROWS = 4;

/** `columns`: of the terminal, at least 40. */
export function planText(plans: readonly NamedPlan[], columns = 80): string {
  return `${plans.map((named) => onePlan(named, Math.max(40, columns))).join("\n\n")}\n`;
}

function onePlan(named: NamedPlan, columns: number): string {
  const { plan, name } = named;
  const width = Math.min(columns - 10, plan.t.length);
  const total = plan.meanWeight;
  const curves: [string, Float64Array][] = [
    ["weight of the loss", plan.weight],
    ["draws, 1 is an even share", plan.probability.map((p) => p * plan.t.length)],
    ["weight x draws, 1 is an even share of the loss", plan.product.map((p) => (p * plan.t.length) / total)],
  ];
  const shares = sharesOf(named).map((share) => `${bandName(share)}: ${percent(share.loss)}`);
  return [
    name,
    ...curves.flatMap(([title, values]) => ["", `  ${title}`, ...bars(values, width)]),
    axis("t", named, width, (level) => figure(plan.t[level]!)),
    axis("SNR", named, width, (level) => figure(plan.snr[level]!)),
    "",
    `  of the loss   ${shares.join("   ")}`,
    `  terminal      ${terminalText(terminalOf(named))}`,
    `  mean weight   ${figure(total)}`,
  ].join("\n");
}

/** Four lines; a column is the mean of its levels, and a full one the largest mean. */
function bars(values: Float64Array, width: number): string[] {
  const means = Array.from({ length: width }, (_, column) => {
    const part = values.subarray(start(column, width, values.length), start(column + 1, width, values.length));
    return part.reduce((sum, v) => sum + v, 0) / part.length;
  });
  const high = means.filter(Number.isFinite).reduce((a, b) => Math.max(a, b), 0) || 1;
  return Array.from({ length: ROWS }, (_, row) => {
    const text = means.map((mean) => {
      const eighths = Math.round((Math.min(mean, high) / high) * ROWS * 8) - (ROWS - 1 - row) * 8;
      return BLOCKS[Math.min(Math.max(eighths, 0), 8)]!;
    });
    const value = row === 0 ? figure(high) : row === ROWS - 1 ? "0" : "";
    return `${value.padStart(8)} ${text.join("")}`.trimEnd();
  });
}

function start(column: number, width: number, levels: number): number {
  return Math.floor((column * levels) / width);
}

/** Values at five places of the axis, each under its column. */
function axis(name: string, { plan }: NamedPlan, width: number, text: (level: number) => string): string {
  const levels = plan.t.length;
  let line = `${name.padStart(8)} `;
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const column = Math.round(share * (width - 1));
    const value = text(share === 1 ? levels - 1 : start(column, width, levels));
    const from = 9 + column - (share === 1 ? value.length - 1 : 0);
    line = `${line.padEnd(from)}${value}`;
  }
  return line;
}
