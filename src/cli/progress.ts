/** @file How far a run of `generate` is, out of its events, and that on one line. */

import type { GenerateEvent } from "../tasks/generate-events.ts";
import { duration, stepRate } from "./quantities.ts";
import { clip, displayWidth, safeLine } from "./terminal-text.ts";

type StepEvent = Extract<GenerateEvent, { type: "step" }>;

/** Times are milliseconds of the shell's clock. */
export type Progress = {
  readonly startedAt: number;
  /** What is being done that is not a step. */
  readonly label?: string;
  readonly step?: StepEvent;
  /** When the first step began. */
  readonly sampledFrom?: number;
  readonly steppedAt?: number;
  /** Smoothed over the last few steps. */
  readonly secondsPerStep?: number;
};

export function startProgress(now: number): Progress {
  return { startedAt: now };
}

/** Weight of the newest step: the last five decide. */
const NEWEST = 0.3;

export function advance(progress: Progress, event: GenerateEvent, now: number): Progress {
  // The steps of another run are no measure for this one's.
  if (event.type === "settings") return { startedAt: progress.startedAt };
  if (event.type === "stage") return { ...progress, label: event.message };
  if (event.type !== "step") return progress;
  const { label: _, ...rest } = progress;
  const before = progress.secondsPerStep ?? event.seconds;
  return {
    ...rest,
    step: event,
    sampledFrom: progress.sampledFrom ?? now - event.seconds * 1000,
    steppedAt: now,
    secondsPerStep: before + NEWEST * (event.seconds - before),
  };
}

/** Seconds until the last step of the last picture, were all to go as on average so far. */
export function secondsLeft({ step, sampledFrom, steppedAt }: Progress, now: number): number | undefined {
  if (!step || sampledFrom === undefined || steppedAt === undefined || step.done === 0) return undefined;
  const each = (steppedAt - sampledFrom) / step.done;
  return Math.max(0, (each * (step.total - step.done) - (now - steppedAt)) / 1000);
}

/** In the order in which a narrow terminal loses them, first to go first. */
const SHEDDING = ["bar", "rate", "elapsed", "batch", "left"] as const;

/** The line, without colours or line end, in at most `columns`. */
export function progressLine(progress: Progress, now: number, columns: number): string {
  const { step, label } = progress;
  const elapsed = duration((now - progress.startedAt) / 1000);
  if (!step) return clip(`${safeLine(label ?? "starting")} · ${elapsed}`, columns);
  const left = secondsLeft(progress, now);
  const parts: Record<string, string> = {
    bar: bar(step.done / step.total),
    batch: step.batches > 1 ? `${step.batch + 1}/${step.batches}` : "",
    step: label === undefined ? `step ${step.step}/${step.steps}` : safeLine(label),
    rate: stepRate(progress.secondsPerStep ?? step.seconds),
    elapsed,
    left: left === undefined || step.done === step.total ? "" : `${duration(left)} left`,
  };
  for (const name of SHEDDING) {
    if (displayWidth(joined(parts)) <= columns) break;
    parts[name] = "";
  }
  return clip(joined(parts), columns);
}

function joined({ bar: drawn, ...parts }: Record<string, string>): string {
  const words = Object.values(parts).filter((part) => part !== "");
  return `${drawn ? `${drawn} ` : ""}${words.join(" · ")}`;
}

const BAR = 20;

/** Twenty cells, each in eighths. */
function bar(share: number): string {
  const eighths = Math.round(Math.min(Math.max(share, 0), 1) * BAR * 8);
  const full = Math.floor(eighths / 8);
  const part = eighths % 8 === 0 ? "" : " ▏▎▍▌▋▊▉"[eighths % 8]!;
  return `▕${("█".repeat(full) + part).padEnd(BAR)}▏`;
}
