/** @file The lines of a run's `log.jsonl`: one JSON object each, with what a page and other programs need of it. */

import type { Finding } from "../../sampling/finding.ts";

/** Parts of the noise levels whose losses are told apart, least noise first. */
export const BINS = 10;

export type RunLine = { kind: "run"; name: string; recipe: string; totalSteps: number; time: string };

export type StepLine = {
  kind: "step";
  step: number;
  epoch?: number;
  /** null where it is not a finite number. */
  loss: number | null;
  /** The mean of the losses so far, each weighing 1 % less than the one after it. */
  smoothedLoss: number | null;
  learningRates: Record<string, number>;
  gradientNorm?: number | null;
  samplesPerSecond?: number;
  /** Spent in steps since the run's beginning. */
  seconds: number;
  /** The mean loss of the step's pictures by their noise, least noise first; null for a part that no picture was of. */
  binLosses?: (number | null)[];
  /** The gradient was not finite, and nothing moved. */
  skipped?: true;
  /** What else the step told. */
  figures?: Record<string, number | null>;
};

/** What an examination between steps found. */
export type FiguresLine = { kind: "figures"; step: number; figures: Record<string, number | null> };

export type PreviewLine = {
  kind: "preview";
  step: number;
  /** What the same picture is called at every step. */
  name: string;
  prompt?: string;
  seed?: number;
  /** Beside the log. */
  file: string;
};

export type FindingLine = { kind: "finding"; step: number } & Finding;

export type EndReason = "finished" | "stopped" | "failed";

export type EndLine = { kind: "end"; step: number; reason: EndReason; message?: string; time: string };

export type LogLine = RunLine | StepLine | FiguresLine | PreviewLine | FindingLine | EndLine;

const kinds: readonly string[] = ["run", "step", "figures", "preview", "finding", "end"] satisfies LogLine["kind"][];

/** One of our lines, or undefined for what is none: half a line, or another program's file. */
export function parseLine(text: string): LogLine | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const { kind, step } = value as { kind?: unknown; step?: unknown };
    const ours = typeof kind === "string" && kinds.includes(kind) && (kind === "run" || Number.isInteger(step));
    return ours ? (value as LogLine) : undefined;
  } catch {
    return undefined;
  }
}

/** Seven digits, as many as a float32 has; null for what JSON cannot say. */
export function plain(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(7)) : null;
}

/** The mean loss by noise level of a step's pictures. `count`: the levels of the noise table. */
export function binLosses(levels: readonly { level: number; loss: number }[], count: number): (number | null)[] {
  const sums = Array.from({ length: BINS }, () => ({ loss: 0, pictures: 0 }));
  for (const { level, loss } of levels) {
    const bin = sums[Math.min(Math.floor((level * BINS) / count), BINS - 1)]!;
    bin.loss += loss;
    bin.pictures++;
  }
  return sums.map(({ loss, pictures }) => (pictures === 0 ? null : plain(loss / pictures)));
}
