/** @file What is written of a plan: the shares of the loss by SNR, the terminal level, and the table of all levels. */

import type { NoiseTable } from "../../sampling/tables.ts";
import { isTerminal } from "../../training/objectives/targets.ts";
import { type Plan, planOf, type Recipe, shareOf } from "../../training/plan.ts";
import { figure } from "./scales.ts";

export type NamedPlan = { name: string; plan: Plan; table: NoiseTable };

/** Plans a recipe under the name that its curve will have. `shift`: of a picture's size, as in `planOf`. */
export function namedPlan(name: string, recipe: Recipe, shift?: number): NamedPlan {
  return { name, plan: planOf(recipe, shift), table: recipe.table };
}

/** Edges of the bands by SNR, on a schedule without a shift; the first is where mean colours are decided. */
const BANDS = [0, 0.05, 1, 5, Number.POSITIVE_INFINITY];

export type Share = { from: number; to: number; loss: number; draws: number };

/** The parts of the loss and of the draws in each band. With a shifted table the bands move, so as to be the same levels. */
export function sharesOf({ plan, table }: NamedPlan): Share[] {
  const edges = BANDS.map((snr) => snr / table.shift ** 2);
  return edges.slice(1).map((to, i) => {
    const from = edges[i]!;
    return { from, to, loss: shareOf(plan, plan.product, from, to), draws: shareOf(plan, plan.probability, from, to) };
  });
}

export function bandName({ from, to }: { from: number; to: number }): string {
  if (from === 0) return `SNR < ${figure(to)}`;
  return to === Number.POSITIVE_INFINITY ? `> ${figure(from)}` : `${figure(from)} to ${figure(to)}`;
}

export type Terminal = { level: number; weight: number; probability: number };

/** The level without signal, if the schedule ends in one. */
export function terminalOf({ plan, table }: NamedPlan): Terminal | undefined {
  const level = plan.weight.length - 1;
  if (!isTerminal(table, level)) return undefined;
  return { level, weight: plan.weight[level]!, probability: plan.probability[level]! };
}

/** "weight 1, drawn once in 1000" */
export function terminalText(terminal: Terminal | undefined): string {
  if (!terminal) return "none";
  const { weight, probability } = terminal;
  const drawn = probability === 0 ? "never drawn" : `drawn once in ${figure(1 / probability)}`;
  return `weight ${figure(weight)}, ${drawn}`;
}

export function percent(share: number): string {
  return Number.isNaN(share) ? "-" : `${(100 * share).toFixed(1)} %`;
}

/** Comma-separated values, a line a level of each plan, least noise first; numbers as JavaScript writes them. */
export function planCsv(plans: readonly NamedPlan[]): string {
  const lines = plans.flatMap(({ name, plan }) =>
    Array.from(plan.t, (t, level) =>
      [quoted(name), level, t, plan.snr[level], plan.weight[level], plan.probability[level], plan.product[level]].join(
        ",",
      ),
    ),
  );
  return `${["recipe,level,t,snr,weight,probability,product", ...lines].join("\n")}\n`;
}

/** A quoted field that a spreadsheet reads as text: names that begin like a formula get an apostrophe before. */
function quoted(name: string): string {
  return `"${name.replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;
}

export type PlanJson = {
  name: string;
  meanWeight: number;
  shares: { snrFrom: number; snrTo: number | "Infinity"; loss: number; draws: number }[];
  terminal: { level: number; weight: number | "Infinity"; probability: number } | null;
  t: number[];
  snr: (number | "Infinity")[];
  weight: (number | "Infinity")[];
  probability: number[];
  product: number[];
};

/** The same as plain data. JSON has no infinity: the weight of a level that is never drawn may be the word. */
export function planJson(plans: readonly NamedPlan[]): PlanJson[] {
  return plans.map((named) => {
    const terminal = terminalOf(named);
    return {
      name: named.name,
      meanWeight: named.plan.meanWeight,
      shares: sharesOf(named).map(({ from, to, loss, draws }) => ({ snrFrom: from, snrTo: spelled(to), loss, draws })),
      terminal: terminal ? { ...terminal, weight: spelled(terminal.weight) } : null,
      t: [...named.plan.t],
      snr: Array.from(named.plan.snr, spelled),
      weight: Array.from(named.plan.weight, spelled),
      probability: [...named.plan.probability],
      product: [...named.plan.product],
    };
  });
}

function spelled(value: number): number | "Infinity" {
  return value === Number.POSITIVE_INFINITY ? "Infinity" : value;
}
