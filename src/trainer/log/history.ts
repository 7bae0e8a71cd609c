/** @file A run so far, as its page draws it: what the lines of its log add up to. */

import type { Finding } from "../../sampling/finding.ts";
import { BINS, type EndLine, type LogLine, type PreviewLine, type StepLine } from "./lines.ts";

/** One entry a step; NaN where a step had none. */
export type Series = { steps: number[]; values: number[] };

export type RunHistory = {
  /** The last step; 0 before the first. */
  step: number;
  epoch: number | undefined;
  seconds: number;
  samplesPerSecond: number | undefined;
  skipped: number;
  loss: Series;
  smoothedLoss: Series;
  gradientNorm: Series;
  learningRates: Map<string, Series>;
  /** Smoothed, by noise; least noise first. */
  bins: Series[];
  /** Of steps and of examinations, by name. */
  figures: Map<string, Series>;
  previews: PreviewLine[];
  findings: (Finding & { step: number })[];
  end: EndLine | undefined;
};

export function emptyHistory(): RunHistory {
  const series = (): Series => ({ steps: [], values: [] });
  return {
    step: 0,
    epoch: undefined,
    seconds: 0,
    samplesPerSecond: undefined,
    skipped: 0,
    loss: series(),
    smoothedLoss: series(),
    gradientNorm: series(),
    learningRates: new Map(),
    bins: Array.from({ length: BINS }, series),
    figures: new Map(),
    previews: [],
    findings: [],
    end: undefined,
  };
}

/** Adds a line to a history, in place. */
export function remember(history: RunHistory, line: LogLine): void {
  if (line.kind === "step") rememberStep(history, line);
  if (line.kind === "figures") rememberFigures(history, line.step, line.figures);
  if (line.kind === "preview") history.previews.push(line);
  if (line.kind === "finding") history.findings.push(line);
  if (line.kind === "end") history.end = line;
}

function rememberStep(history: RunHistory, line: StepLine): void {
  const { step } = line;
  Object.assign(history, { step, epoch: line.epoch, seconds: line.seconds, samplesPerSecond: line.samplesPerSecond });
  if (line.skipped) history.skipped++;
  push(history.loss, step, line.loss);
  push(history.smoothedLoss, step, line.smoothedLoss);
  if (line.gradientNorm !== undefined) push(history.gradientNorm, step, line.gradientNorm);
  for (const [name, rate] of Object.entries(line.learningRates)) push(named(history.learningRates, name), step, rate);
  rememberFigures(history, step, line.figures ?? {});
  for (const [i, loss] of (line.binLosses ?? []).entries()) {
    const bin = history.bins[i];
    if (!bin || loss === null) continue;
    const before = bin.values.at(-1);
    push(bin, step, before === undefined ? loss : before + (loss - before) * BIN_STEP);
  }
}

/** Most steps have a picture or two of a tenth of the levels, whose losses differ by much: the last fifty or so count. */
const BIN_STEP = 0.02;

function rememberFigures(history: RunHistory, step: number, figures: Record<string, number | null>): void {
  for (const [name, value] of Object.entries(figures)) push(named(history.figures, name), step, value);
}

function named(map: Map<string, Series>, name: string): Series {
  const found = map.get(name) ?? { steps: [], values: [] };
  map.set(name, found);
  return found;
}

function push(series: Series, step: number, value: number | null): void {
  series.steps.push(step);
  series.values.push(value ?? Number.NaN);
}
