/**
 * @file What a run leaves for those who watch it, in its folder: `log.jsonl`, TensorBoard's event files, the previews, and
 * `index.html`, a page of all of it. A run that goes back to a checkpoint goes back in its log too, so that the log of a
 * run that was killed and resumed is that of one that was not.
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { removeStrayTemporaries, writeFileAtomic } from "../../formats/atomic-write.ts";
import { openEventFile, type TensorboardValue } from "../../formats/tensorboard/index.ts";
import type { Finding } from "../../sampling/finding.ts";
import { notFinite } from "../divergence.ts";
import { emptyHistory, isTold, type RunHistory, remember } from "./history.ts";
import { openLineFile } from "./line-file.ts";
import { BINS, binLosses, type EndReason, type LogLine, parseLine, plain, type StepLine } from "./lines.ts";
import { runPage } from "./page.ts";
import { dropPreviews, pngSize, previewFile, thumbnail, writePreview } from "./previews.ts";
import { chosen } from "./sample.ts";
import { type Smoothed, smooth, smoothedStart } from "./smoothing.ts";

export type RunLogOptions = {
  name: string;
  /** As it is to be read. */
  recipe: string;
  totalSteps: number;
  /** The checkpoint's step that a run goes on from. Whatever the log has of later steps is dropped. */
  resumeFrom?: number;
  /** Levels of the noise table. Default 1000. */
  levels?: number;
  /** Seconds between two writings of the page, at least. Default 10. */
  every?: number;
  /** Milliseconds since 1970. */
  clock?: () => number;
};

export type StepRecord = {
  /** Rises from one step to the next, the first one is 1. */
  step: number;
  epoch?: number;
  /** `loss` is the step's mean; the others are written and drawn under their names. */
  figures: Readonly<Record<string, number>>;
  learningRates: Readonly<Record<string, number>>;
  /** Before clipping. */
  gradientNorm?: number;
  /** Pictures of this step, and the seconds that it took. */
  pictures: number;
  seconds: number;
  /** Each picture's noise level and loss. */
  levels?: readonly { readonly level: number; readonly loss: number }[];
  skipped?: boolean;
};

export type PreviewRecord = {
  step: number;
  /** The same at every step for the same prompt and seed. Default: the prompt. */
  name?: string;
  prompt?: string;
  seed?: number;
  png: Uint8Array;
};

export type RunLog = {
  /** When the run began: what goes on has begun before it was stopped. */
  readonly startedAt: Date;
  /** Returns the mean of the losses so far, as the step's line has it; NaN while none was a finite number. */
  step(record: StepRecord): Promise<number>;
  /** What an examination between steps measured. */
  figures(step: number, figures: Readonly<Record<string, number>>): Promise<void>;
  /** Returns the picture's path. */
  preview(record: PreviewRecord): Promise<string>;
  /** Something to be known about the run; the same once only, and no more than twenty of one code. */
  finding(found: Finding): Promise<void>;
  /** The last word; without it the page says, after a while, that the run has crashed. */
  close(reason: EndReason, message?: string): Promise<void>;
};

/**
 * Opens the log of a run in `folder`, which is made if it is not there.
 *
 * @throws IllustriousError `bad_option` when there is another run's log and none is to be resumed; `write_failed`
 */
export async function openRunLog(folder: string, options: RunLogOptions): Promise<RunLog> {
  const { name, recipe, totalSteps, resumeFrom, levels = 1000, every = 10, clock = Date.now } = options;
  await mkdir(folder, { recursive: true });
  await removeStrayTemporaries(folder);
  const history = emptyHistory();
  const smoothed = smoothedStart();
  const lines = await openLineFile(join(folder, "log.jsonl"), (text) =>
    takeUp(text, folder, resumeFrom, history, smoothed),
  );
  if (resumeFrom !== undefined) await dropPreviews(folder, resumeFrom);
  const events = await openEventFile(folder, resumeFrom, clock() / 1000);
  const thumbnails = new Map<string, string>();
  let written = Number.NEGATIVE_INFINITY;
  let wait = 1000 * every;
  let queue: Promise<unknown> = Promise.resolve();
  let writing: Promise<void> | undefined;

  async function append(line: LogLine): Promise<void> {
    await lines.append(JSON.stringify(line));
    remember(history, line);
  }

  async function tell(found: Finding): Promise<void> {
    const { level, code, message, hint } = found;
    if (!isTold(history, found)) await append({ kind: "finding", step: history.step, level, code, message, hint });
  }

  async function writePage(): Promise<void> {
    const started = clock();
    // Steps may take minutes, at full size; a run is quiet when three of them should have come.
    const each = history.step > 0 ? history.seconds / history.step : 0;
    const quiet = Math.round(120 + 3 * Math.max(every, wait / 1000, each));
    const state = { name, recipe, totalSteps, updated: started, every, quiet, thumbnails };
    const shown = new Set([...history.strips.values()].flatMap(chosen).map(({ file }) => file));
    for (const file of thumbnails.keys()) if (!shown.has(file)) thumbnails.delete(file);
    for (const file of shown) {
      if (thumbnails.has(file)) continue;
      const small = await thumbnail(folder, file);
      if (small !== undefined) thumbnails.set(file, small);
    }
    try {
      await writeFileAtomic(join(folder, "index.html"), Buffer.from(runPage(history, state)));
    } catch (error) {
      // No reason to end a run of days: the numbers are in the log, and the next writing may succeed.
      const hint = "The numbers are in log.jsonl; the page is tried again.";
      const message = (error as Error).message;
      queue = queue.then(() => tell({ level: "warning", code: "page_not_written", message, hint })).catch(() => {});
    }
    written = clock();
    // A page of a very long run must not become the work.
    wait = Math.max(1000 * every, 20 * (written - started));
  }

  /** One call after another, however they are made. With `now` the page too; else it is begun when it is time. */
  function inOrder<T>(call: () => Promise<T>, now = false): Promise<T> {
    const done = queue.then(call).then(async (result) => {
      if (now) await renewPage();
      // Training does not wait for a disk that others keep busy.
      else if (!writing && clock() - written >= wait) void renewPage();
      return result;
    });
    queue = done.catch(() => {});
    return done;
  }

  /** Never two at once. */
  async function renewPage(): Promise<void> {
    await writing;
    writing = writePage().finally(() => {
      writing = undefined;
    });
    await writing;
  }

  async function logStep(record: StepRecord): Promise<number> {
    const { step } = record;
    if (!(Number.isInteger(step) && step > history.step)) {
      throw new IllustriousError(
        "bad_option",
        `step ${step} after step ${history.step}`,
        "Steps are whole numbers that rise.",
      );
    }
    const line = stepLine(record, history, smoothed, levels);
    await append(line);
    await events.write(step, scalarsOf(line), clock() / 1000);
    if (line.loss === null) await tell(notFinite("loss", step));
    return line.smoothedLoss ?? Number.NaN;
  }

  const calledOf = ({ name: given, prompt }: PreviewRecord): string => given ?? prompt ?? "preview";

  async function logPreview(record: PreviewRecord): Promise<void> {
    const { step, prompt, seed, png } = record;
    const called = calledOf(record);
    const file = previewFile(step, called);
    if (history.strips.get(called)?.last?.file === file) return;
    const size = pngSize(png);
    await writePreview(folder, file, png);
    await append({
      kind: "preview",
      step,
      name: called,
      ...(prompt === undefined ? {} : { prompt }),
      ...(seed === undefined ? {} : { seed }),
      file,
    });
    const description = prompt === undefined ? {} : { description: prompt };
    // The file's own name: a prompt of four hundred words is no title.
    const tag = `previews/${file.slice(file.indexOf("-") + 1, -".png".length)}`;
    await events.write(step, [{ tag, png, ...size, ...description }], clock() / 1000);
  }

  if (lines.empty) {
    await append({ kind: "run", name, recipe, totalSteps, time: new Date(clock()).toISOString() });
    // Four spaces make a block of code of it.
    await events.write(0, [{ tag: "recipe", text: recipe.replace(/^/gm, "    ") }], clock() / 1000);
  }
  await inOrder(async () => {}, true);

  return {
    startedAt: new Date(history.started ?? clock()),
    step: (record) => inOrder(() => logStep(record)),
    figures: (step, figures) =>
      inOrder(async () => {
        await append({ kind: "figures", step, figures: plainFigures(figures) });
        const values = Object.entries(figures).map(([tag, scalar]) => ({ tag: `figures/${tag}`, scalar }));
        await events.write(step, values, clock() / 1000);
      }),
    async preview(record) {
      await inOrder(() => logPreview(record));
      return join(folder, previewFile(record.step, calledOf(record)));
    },
    finding: (found) => inOrder(() => tell(found), true),
    async close(reason, message) {
      const text = message === undefined ? {} : { message };
      const time = new Date(clock()).toISOString();
      await inOrder(() => append({ kind: "end", step: history.step, reason, ...text, time }), true);
      await lines.flush();
      await events.flush();
      await lines.close();
      await events.close();
    },
  };
}

/** Whether a line of an older log stays; if so it is remembered. */
function takeUp(
  text: string,
  folder: string,
  resumeFrom: number | undefined,
  history: RunHistory,
  smoothed: Smoothed,
): boolean {
  if (resumeFrom === undefined) {
    throw new IllustriousError(
      "bad_option",
      `${folder} has the log of a run already`,
      "Go on with that run, or begin one of another name.",
    );
  }
  // Nothing is gone on with, so nothing that was said before is true of this run.
  if (resumeFrom === 0) return false;
  const line = parseLine(text);
  if (!line || line.kind === "end" || (line.kind !== "run" && line.step > resumeFrom)) return false;
  remember(history, line);
  if (line.kind === "step") smooth(smoothed, line.loss ?? Number.NaN);
  return true;
}

function stepLine(record: StepRecord, history: RunHistory, smoothed: Smoothed, levels: number): StepLine {
  const { step, epoch, figures, learningRates, gradientNorm, pictures, seconds, skipped } = record;
  const { loss = Number.NaN, ...others } = figures;
  // Of the number as it is written, so that a resumed run, which reads it, goes on with the same mean.
  const written = plain(loss);
  return {
    kind: "step",
    step,
    ...(epoch === undefined ? {} : { epoch: Number(epoch.toPrecision(7)) }),
    loss: written,
    smoothedLoss: plain(smooth(smoothed, written ?? Number.NaN)),
    learningRates: { ...learningRates },
    ...(gradientNorm === undefined ? {} : { gradientNorm: plain(gradientNorm) }),
    ...(seconds > 0 ? { samplesPerSecond: Number((pictures / seconds).toPrecision(4)) } : {}),
    seconds: Number((history.seconds + seconds).toFixed(3)),
    ...(record.levels?.length ? { binLosses: binLosses(record.levels, levels) } : {}),
    ...(skipped ? { skipped: true as const } : {}),
    ...(Object.keys(others).length > 0 ? { figures: plainFigures(others) } : {}),
  };
}

function plainFigures(figures: Readonly<Record<string, number>>): Record<string, number | null> {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, plain(value)]));
}

function scalarsOf(line: StepLine): TensorboardValue[] {
  const scalars: [string, number | null | undefined][] = [
    ["loss/step", line.loss ?? Number.NaN],
    ["loss/smoothed", line.smoothedLoss],
    ["gradient_norm", line.gradientNorm],
    ["samples_per_second", line.samplesPerSecond],
    ["epoch", line.epoch],
    ...Object.entries(line.learningRates).map(([name, rate]): [string, number] => [`learning_rate/${name}`, rate]),
    ...(line.binLosses ?? []).map((loss, i): [string, number | null] => [`loss_by_noise/${binName(i)}`, loss]),
    ...Object.entries(line.figures ?? {}).map(([name, value]): [string, number | null] => [`figures/${name}`, value]),
  ];
  return scalars.flatMap(([tag, scalar]) => (scalar === undefined || scalar === null ? [] : [{ tag, scalar }]));
}

/** "00-10", in per cent of the levels: TensorBoard sorts by letters. */
function binName(i: number): string {
  const edge = (k: number) => String((100 * k) / BINS).padStart(2, "0");
  return `${edge(i)}-${edge(i + 1)}`;
}
