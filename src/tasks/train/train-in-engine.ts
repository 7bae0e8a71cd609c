/**
 * @file A recipe to a trained model, top to bottom: read the recipe, look at the data, open what learns, learn, and from time
 * to time show and save. Runs in the engine's process.
 */

import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { IllustriousError, internalError } from "../../base/error.ts";
import { type DataSet, reportLines, type SetConfig, scan } from "../../data/sets/index.ts";
import { writeFileAtomic } from "../../formats/atomic-write.ts";
import { exists } from "../../formats/exists.ts";
import type { Finding } from "../../sampling/finding.ts";
import { checkpointPlace, type Keep, newestCheckpoint } from "../../trainer/checkpoints.ts";
import { changedDataFinding, type DataIdentity, dataIdentity } from "../../trainer/data-identity.ts";
import { leftOutFinding } from "../../trainer/left-out.ts";
import type { Lesson } from "../../trainer/lesson.ts";
import { openRunLog, type RunLog } from "../../trainer/log/index.ts";
import { checkRecipe, type RunRecipe, stateToResume } from "../../trainer/resume.ts";
import { type Due, runLesson } from "../../trainer/run.ts";
import { checkRunLength, followsLength, type TrainingRecipe } from "../../training/recipe/index.ts";
import { engineThreads } from "../engine-threads.ts";
import { lockFolder } from "../folder-lock.ts";
import { countsInEpochs, epochsIn, stepsOf } from "./epoch-steps.ts";
import { dueOf, type Epochs } from "./epochs.ts";
import { type Opening, openLesson } from "./open-lesson.ts";
import { baseOf, modelToTrain, recipeOf } from "./recipe-base.ts";
import { datasetOf, overruledFindings } from "./recipe-data.ts";
import { type RecipeFile, readRecipeFile, runFolder } from "./recipe-file.ts";
import { saveFindings } from "./save-findings.ts";
import type { PreviewFile, TrainEvent } from "./train-events.ts";
import type { TrainOptions } from "./train-options.ts";
import { vaeKeyFindings } from "./vae-keys.ts";

type Events<T = void> = AsyncGenerator<TrainEvent, T>;

export async function* trainInEngine(options: TrainOptions, signal: AbortSignal): Events {
  const begin = performance.now();
  const { warning } = engineThreads(options.threads);
  if (warning) yield { type: "finding", finding: { level: "warning", code: "threads", ...warning } };
  const file = await readRecipeFile(options);
  const base = await baseOf(file);
  const recipe = await recipeOf(file, base);
  const ofRecipe = [...recipe.findings, ...vaeKeyFindings(file)];
  yield* tell(ofRecipe);
  const folder = runFolder(file);
  const before = options.restart ? undefined : await newestCheckpoint(folder);
  if (before !== undefined) await checkRecipe(before, runRecipe(file, recipe));
  const config = await datasetOf(file);
  const ofData = overruledFindings(file, config);
  yield* tell(ofData);
  const findings = [...ofRecipe, ...ofData];
  const set = yield* dataOf(file, config);
  const data = dataIdentity(set);
  let epochs: Epochs | undefined;
  if (countsInEpochs(recipe)) {
    yield { type: "stage", stage: "data", message: "counting the batches of epochs" };
    epochs = await epochsIn({ file, recipe, set, model: () => modelToTrain(file, base, recipe) });
  }
  const steps = stepsOf(recipe, epochs);
  checkRunLength(recipe, steps);
  const release = await lockedFolder(folder, options.restart);
  let step: number;
  try {
    step = yield* runIn(folder, { options, file, base, recipe, findings, set, data, epochs, steps, signal });
  } finally {
    await release();
  }
  const checkpoint = await newestCheckpoint(folder);
  if (checkpoint === undefined) {
    if (signal.aborted) throw new IllustriousError("cancelled", "stopped before an update moved anything");
    throw internalError(`${folder} has no checkpoint at its end`);
  }
  const { model } = await checkpointPlace(checkpoint);
  yield { type: "done", step, folder, checkpoint, model, seconds: (performance.now() - begin) / 1000 };
}

/** Milliseconds for an engine to end whose command was killed: it finishes what it is computing. */
const ENDING = 5000;

/** The run's folder, in which no other run is at work; empty after a restart. */
async function lockedFolder(folder: string, restart: boolean): Promise<() => Promise<void>> {
  const lock = async () => {
    await mkdir(folder, { recursive: true });
    return lockFolder(folder, "illustrious train", ENDING);
  };
  const isNew = !(await exists(folder));
  const release = await lock();
  if (!restart || isNew) return release;
  await release();
  await setAside(folder);
  return lock();
}

type Run = Omit<Opening, "folder" | "saved" | "startedAt"> & {
  readonly findings: readonly Finding[];
  readonly data: DataIdentity;
};

/** Returns the step at which it ended. */
async function* runIn(folder: string, run: Run): Events<number> {
  const { file, recipe, findings, data, epochs, steps, signal } = run;
  const checkpoint = await newestCheckpoint(folder);
  const resumed = checkpoint === undefined ? undefined : await stateToResume(checkpoint, runRecipe(file, recipe), data);
  const saved = resumed?.saved;
  const from = saved?.step ?? 0;
  await writeFileAtomic(join(folder, "recipe.toml"), (sink) => sink.write(new TextEncoder().encode(file.text)));
  const log = await openRunLog(folder, {
    name: file.name,
    recipe: file.text,
    totalSteps: steps,
    levels: recipe.objective.table.sigmas.length,
    // Without a checkpoint nothing is gone on with, and what an earlier start has logged is dropped.
    resumeFrom: from,
  });
  for (const finding of findings) await log.finding(finding);
  // Whoever listens may leave at an abort, and then nothing below the last event is reached but the end.
  let end: Parameters<RunLog["close"]> = ["stopped"];
  let lesson: Lesson | undefined;
  try {
    const ofSaving = await saveFindings(file, recipe, () => modelToTrain(file, run.base, recipe));
    for (const finding of [...(resumed?.findings ?? []), ...ofSaving]) {
      yield { type: "finding", finding };
      await log.finding(finding);
    }
    lesson = yield* openLesson({ ...run, folder, saved, startedAt: log.startedAt });
    for (const finding of [...leftOutFinding(lesson.leftOut ?? {}), ...changedDataFinding(saved?.data, data)]) {
      yield { type: "finding", finding };
      await log.finding(finding);
    }
    yield { type: "start", folder, page: join(folder, "index.html"), from, steps };
    yield* learn(lesson, log, { file, recipe, steps, epochs, data, folder, signal });
    end = [signal.aborted ? "stopped" : "finished"];
    return lesson.learner.updates;
  } catch (error) {
    if (!signal.aborted) end = ["failed", error instanceof Error ? error.message : String(error)];
    throw error;
  } finally {
    await log.close(...end);
    await lesson?.release();
  }
}

function runRecipe({ text, own }: RecipeFile, { learning, network }: TrainingRecipe): RunRecipe {
  const learns = own.train_vae !== undefined ? "vae" : network ? "pairs" : "networks";
  return { text, learns, followsLength: followsLength(learning) };
}

async function* tell(findings: readonly Finding[]): Events {
  const refusals = findings.filter(({ level }) => level === "refusal");
  for (const finding of findings) if (finding.level !== "refusal") yield { type: "finding", finding };
  if (refusals.length === 0) return;
  const message = refusals.map((finding) => finding.message).join("; ");
  throw new IllustriousError("bad_option", message, refusals.map(({ hint }) => hint).join(" "));
}

async function* dataOf(file: RecipeFile, config: SetConfig): Events<DataSet> {
  yield { type: "stage", stage: "data", message: "looking at the pictures" };
  const walk = scan(config);
  for (;;) {
    const step = await walk.next();
    if (step.done) {
      yield { type: "report", lines: reportLines(step.value.report) };
      checkPictures(step.value, file);
      return step.value;
    }
    yield { type: "progress", stage: "data", done: step.value.done, total: step.value.total };
  }
}

function checkPictures({ items }: DataSet, { name }: RecipeFile): void {
  const none = `the data set of ${name} has no picture to learn from`;
  if (items.length === 0) {
    const hint = "What was looked at stands above; docs/data-sets.md tells the forms of a data set.";
    throw new IllustriousError("bad_file", none, hint);
  }
  // Regularisation pictures are repeated as often as there are others.
  if (items.some(({ image }) => image.repeats > 0)) return;
  const hint = "Leave is_reg out of the subset that is to be learnt, or add one beside those of its dataset.";
  throw new IllustriousError("bad_file", `${none}: all of them are regularisation pictures`, hint);
}

/** A run of the same name keeps what it has, under the time at which it is set aside. */
async function setAside(folder: string): Promise<void> {
  const stamp = new Date().toISOString().replace(/[:.]/g, "-");
  await rename(folder, `${folder}-${stamp}`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
}

type Values = TrainingRecipe["values"];

/** Nothing where the recipe does not say. */
function keepOf({ save_every_n_steps: every, save_last_n_steps: steps, ...keys }: Values): Keep | undefined {
  // As sd-scripts counts them: checkpoints, where they come every so many epochs.
  const { save_every_n_epochs: epochs, save_last_n_epochs: last } = keys;
  if (every === undefined && epochs !== undefined && last) return { last };
  return steps === undefined ? undefined : { steps };
}

async function* toldOfKept(keys: Values, keep: Keep | undefined, due: Due | undefined, steps: number): Events {
  if (keep !== undefined || due === undefined) return;
  let count = 1;
  for (let step = 1; step < steps; step++) if (due(step)) count++;
  if (count <= 2) return;
  const key = keys.save_every_n_steps === undefined ? "save_last_n_epochs" : "save_last_n_steps";
  yield { type: "report", lines: [`of ${count} checkpoints only the newest two stay; ${key} keeps more`] };
}

type Learning = Pick<Opening, "file" | "recipe" | "steps" | "epochs" | "folder" | "signal"> & {
  readonly data: DataIdentity;
};

async function* learn(
  lesson: Lesson,
  log: RunLog,
  { file, recipe, steps, epochs, data, folder, signal }: Learning,
): Events {
  const { values: keys } = recipe;
  const { accumulation } = recipe.learning;
  const saves = { steps: keys.save_every_n_steps, epochs: keys.save_every_n_epochs };
  const samples = { steps: keys.sample_every_n_steps, epochs: keys.sample_every_n_epochs };
  const saveDue = dueOf(saves, epochs, accumulation);
  const keep = keepOf(keys);
  yield* toldOfKept(keys, keep, saveDue, steps);
  const run = runLesson(lesson, {
    folder,
    steps,
    accumulation,
    saveDue,
    examineDue: dueOf(samples, epochs, accumulation),
    examineFirst: keys.sample_at_first,
    ...(keep && { keep }),
    recipe: file.text,
    data,
    signal,
  });
  /** What is so in one checkpoint is most often so in the next. */
  const told = new Set<string>();
  for await (const event of run) {
    if (event.type === "step") {
      const { step, figures, learningRates, gradientNorm, pictures, seconds, skipped } = event;
      const smoothedLoss = await log.step(event);
      yield {
        type: "step",
        step,
        steps,
        loss: figures.loss ?? Number.NaN,
        smoothedLoss,
        figures,
        learningRates,
        gradientNorm,
        pictures,
        seconds,
        skipped,
      };
    } else if (event.type === "examined") {
      if (Object.keys(event.figures).length > 0) await log.figures(event.step, event.figures);
      const previews: PreviewFile[] = [];
      for (const { name, png, ...made } of event.previews) {
        previews.push({ path: await log.preview({ step: event.step, name, png, ...made }), ...made });
      }
      yield { type: "examined", step: event.step, figures: event.figures, previews };
    } else if (event.type === "finding") {
      yield event;
      await log.finding(event.finding);
    } else {
      for (const finding of event.findings) {
        if (told.has(finding.message)) continue;
        told.add(finding.message);
        yield { type: "finding", finding };
        await log.finding(finding);
      }
      yield { type: "saved", ...(await checkpointPlace(event.folder)) };
    }
  }
}
