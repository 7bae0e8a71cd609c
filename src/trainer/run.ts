/** @file A run of training: batches in order, updates, and from time to time an examination and a checkpoint. */

import { IllustriousError } from "../base/error.ts";
import type { Finding } from "../sampling/finding.ts";
import type { Update } from "../training/learner/learner.ts";
import { type Keep, removeOld, writeCheckpoint } from "./checkpoints.ts";
import type { DataIdentity } from "./data-identity.ts";
import { diverged, MOST_SKIPPED, notFinite } from "./divergence.ts";
import type { Examination, Lesson } from "./lesson.ts";

export type RunOptions = {
  /** Where checkpoints go. */
  readonly folder: string;
  /** Updates of the whole run. */
  readonly steps: number;
  /** Batches that make one update, as the learner has it. */
  readonly accumulation?: number;
  /** Whether a checkpoint is due at a step, beside the last one's. Never if not given. */
  readonly saveDue?: Due | undefined;
  /** The same for examinations. */
  readonly examineDue?: Due | undefined;
  /** Before the first step too. */
  readonly examineFirst?: boolean;
  /** Of the checkpoints that were due; the newest two if not given. */
  readonly keep?: Keep;
  /** For a checkpoint to keep: one of another recipe is not gone on with. */
  readonly recipe: string;
  /** For a checkpoint to keep. */
  readonly data?: DataIdentity;
  readonly signal?: AbortSignal;
};

export type Due = (step: number) => boolean;

export type RunEvent =
  | ({ readonly type: "step"; readonly figures: Readonly<Record<string, number>> } & Progress & Update)
  | ({ readonly type: "examined"; readonly step: number } & Examination)
  | { readonly type: "finding"; readonly finding: Finding }
  | {
      readonly type: "saved";
      readonly step: number;
      readonly folder: string;
      /** What the saved model is that was not asked for. */
      readonly findings: readonly Finding[];
    };

export type Progress = {
  readonly step: number;
  readonly steps: number;
  /** Pictures seen in this step. */
  readonly pictures: number;
  /** Since the last step. */
  readonly seconds: number;
  readonly levels: readonly { readonly level: number; readonly loss: number }[];
};

/**
 * Trains until `steps`, from wherever the learner stands. When the signal aborts, the update in progress is finished and a
 * checkpoint is written. What no update has moved is not looked at or saved again.
 *
 * @throws IllustriousError `diverged` when updates are skipped without end
 */
export async function* runLesson(lesson: Lesson, options: RunOptions): AsyncGenerator<RunEvent, void> {
  const { learner } = lesson;
  const { steps, accumulation = 1, saveDue, examineDue, keep = { last: 2 }, signal } = options;
  const tidy = () => removeOld(options.folder, keep, (step) => isScheduled(step, options));
  await tidy();
  let savedAt = learner.updates;
  let examinedAt = savedAt;
  /** The newest update that was not skipped. */
  let movedAt = savedAt;
  /** Learning rates of the first one that was, after it. */
  let ratesSince: Update["learningRates"] = {};
  let isTold = false;
  let isWhole = true;
  const saved = async (): Promise<RunEvent> => {
    const event = await save(lesson, options);
    savedAt = learner.updates;
    // While updates are skipped the older ones may be what to go back to.
    if (movedAt === savedAt) await tidy();
    return event;
  };
  if (options.examineFirst && lesson.examine && learner.updates === 0) {
    yield await examined(lesson, 0);
  }
  try {
    while (learner.updates < steps && !signal?.aborted) {
      const start = performance.now();
      isWhole = false;
      const done = await oneUpdate(lesson, accumulation);
      isWhole = true;
      const { update: step } = done.update;
      const seconds = (performance.now() - start) / 1e3;
      const { pictures, levels, figures } = done;
      const { skipped, learningRates } = done.update;
      if (!skipped) movedAt = step;
      else if (step === movedAt + 1) ratesSince = learningRates;
      yield { type: "step", step, steps, pictures, seconds, levels, figures, ...done.update };
      const isLost = !Number.isFinite(figures.loss);
      if (!isTold && (isLost || skipped)) {
        isTold = true;
        yield { type: "finding", finding: notFinite(isLost ? "loss" : "gradient", step) };
      }
      if (step - movedAt >= MOST_SKIPPED || (step === steps && movedAt === 0)) {
        throw await diverged(options.folder, movedAt + 1, ratesSince);
      }
      const last = step === steps;
      const looked = (examineDue?.(step) || last) && movedAt > examinedAt;
      const kept = (saveDue?.(step) || last) && movedAt > savedAt;
      // A run's only checkpoint comes first: whatever becomes of the previews, what was learnt is there.
      const only = last && saveDue === undefined;
      if (only && kept) yield await saved();
      if (lesson.examine && looked) {
        examinedAt = step;
        yield await examined(lesson, step, signal);
      }
      if (kept && !only) yield await saved();
    }
  } finally {
    // Whoever listens may have left at the abort: then what was learnt since is saved all the same, unless an update failed half-way.
    if (signal?.aborted && isWhole && movedAt > savedAt) await saved();
  }
}

/** What cannot be examined is told, and learns on: a preview must not cost a run. */
async function examined(lesson: Lesson, step: number, signal?: AbortSignal): Promise<RunEvent> {
  try {
    return { type: "examined", step, ...((await lesson.examine?.(step)) ?? { figures: {}, previews: [] }) };
  } catch (error) {
    if (signal?.aborted || !(error instanceof IllustriousError) || error.code === "internal") throw error;
    const { message, hint } = error;
    const told = `the previews of step ${step} failed: ${message}`;
    return { type: "finding", finding: { level: "warning", code: "preview_failed", message: told, hint: hint ?? "" } };
  }
}

const isScheduled = (step: number, { steps, saveDue }: RunOptions): boolean =>
  step === steps || Boolean(saveDue?.(step));

async function save(lesson: Lesson, options: RunOptions): Promise<RunEvent> {
  const { folder, recipe, data } = options;
  const { learner } = lesson;
  const { leftOut = {}, foundation } = lesson;
  const position = lesson.position?.() ?? {};
  const segments = lesson.segments?.();
  const state = {
    step: learner.updates,
    learner: learner.state(),
    position,
    leftOut,
    foundation,
    segments,
    data,
    scheduled: isScheduled(learner.updates, options),
    recipe,
  };
  let findings: readonly Finding[] = [];
  const saveModel = async (model: string) => {
    findings = await lesson.saveModel(model);
  };
  const written = await writeCheckpoint(folder, state, saveModel);
  return { type: "saved", step: learner.updates, folder: written, findings };
}

async function oneUpdate(lesson: Lesson, accumulation: number) {
  const first = lesson.learner.updates * accumulation;
  const sums: Record<string, number> = {};
  const levels: { level: number; loss: number }[] = [];
  let pictures = 0;
  for (let i = 0; i < accumulation; i++) {
    const result = await lesson.batch(first + i);
    for (const [name, value] of Object.entries(result.figures)) sums[name] = (sums[name] ?? 0) + value / accumulation;
    levels.push(...(result.levels ?? []));
    pictures += result.pictures;
    const update = lesson.learner.add(result.gradients);
    if (update) return { update, figures: sums, pictures, levels };
  }
  throw new IllustriousError("internal", `internal: ${accumulation} batches made no update`);
}
