/** @file A run so far, as its page draws it: what the lines of its log add up to, in memory that does not grow with its length. */

import type { Finding } from "../../sampling/finding.ts";
import { BINS, type EndLine, type LogLine, type PreviewLine, type StepLine } from "./lines.ts";
import { emptySample, type Sample, take } from "./sample.ts";
import { emptySeries, push, type Series } from "./series.ts";

export type RunHistory = {
  /** When the run began, as its first line has it. */
  started: string | undefined;
  /** The last step; 0 before the first. */
  step: number;
  epoch: number | undefined;
  seconds: number;
  /** Smoothed: batches of large pictures and long captions take several times as long as others. */
  secondsPerSample: number | undefined;
  skipped: number;
  loss: Series;
  smoothedLoss: Series;
  gradientNorm: Series;
  learningRates: Map<string, Series>;
  /** Smoothed, by noise; least noise first. */
  bins: Series[];
  /** Of steps and of examinations, by name. */
  figures: Map<string, Series>;
  /** Whole lines, for a table. */
  rows: Sample<StepLine>;
  /** Previews by name. */
  strips: Map<string, Sample<PreviewLine>>;
  /** The first of each code. */
  findings: (Finding & { step: number })[];
  end: EndLine | undefined;
};

const TABLE_ROWS = 23;
const STRIP = 23;

/** Findings of one code, beyond which another one tells nothing new: that the loss is not finite, for one, once a step. */
export const MOST_FINDINGS = 20;

export function emptyHistory(): RunHistory {
  return {
    started: undefined,
    step: 0,
    epoch: undefined,
    seconds: 0,
    secondsPerSample: undefined,
    skipped: 0,
    loss: emptySeries(),
    smoothedLoss: emptySeries(),
    gradientNorm: emptySeries(),
    learningRates: new Map(),
    bins: Array.from({ length: BINS }, emptySeries),
    figures: new Map(),
    rows: emptySample(TABLE_ROWS),
    strips: new Map(),
    findings: [],
    end: undefined,
  };
}

/** Adds a line to a history, in place. */
export function remember(history: RunHistory, line: LogLine): void {
  if (line.kind === "run") history.started = line.time;
  if (line.kind === "step") rememberStep(history, line);
  if (line.kind === "figures") rememberFigures(history, line.step, line.figures);
  if (line.kind === "preview") take(named(history.strips, line.name, emptyStrip), line);
  if (line.kind === "finding" && !isTold(history, line)) history.findings.push(line);
  if (line.kind === "end") history.end = line;
}

/** Whether a finding is there already, or enough of its code are. */
export function isTold({ findings }: RunHistory, { code, message }: Finding): boolean {
  const same = findings.filter((known) => known.code === code);
  return same.length >= MOST_FINDINGS || same.some((known) => known.message === message);
}

function rememberStep(history: RunHistory, line: StepLine): void {
  const { step } = line;
  Object.assign(history, { step, epoch: line.epoch, seconds: line.seconds });
  if (line.samplesPerSecond) history.secondsPerSample = smoothed(history.secondsPerSample, 1 / line.samplesPerSecond);
  if (line.skipped) history.skipped++;
  take(history.rows, line);
  push(history.loss, step, line.loss);
  push(history.smoothedLoss, step, line.smoothedLoss);
  if (line.gradientNorm !== undefined) push(history.gradientNorm, step, line.gradientNorm);
  for (const [name, rate] of Object.entries(line.learningRates))
    push(named(history.learningRates, name, emptySeries), step, rate);
  rememberFigures(history, step, line.figures ?? {});
  for (const [i, loss] of (line.binLosses ?? []).entries()) {
    const bin = history.bins[i];
    if (!bin || loss === null) continue;
    push(bin, step, smoothed(bin.values.at(-1), loss));
  }
}

/** Most steps have a picture or two of a tenth of the levels, whose losses differ by much: the last fifty or so count. */
const smoothed = (before: number | undefined, now: number) =>
  before === undefined ? now : before + (now - before) * 0.02;

function rememberFigures(history: RunHistory, step: number, figures: Record<string, number | null>): void {
  for (const [name, value] of Object.entries(figures)) push(named(history.figures, name, emptySeries), step, value);
}

const emptyStrip = () => emptySample<PreviewLine>(STRIP);

function named<T>(map: Map<string, T>, name: string, empty: () => T): T {
  const found = map.get(name) ?? empty();
  map.set(name, found);
  return found;
}
