/**
 * @file A recipe to a trained model, top to bottom: read the recipe, look at the data, open what learns, learn, and from time
 * to time show and save. Runs in the engine's process.
 */

import { mkdir, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { IllustriousError, internalError } from "../../base/error.ts";
import { type DataSet, reportLines, type SetConfig, scan } from "../../data/sets/index.ts";
import { writeFileAtomic } from "../../formats/atomic-write.ts";
import { exists } from "../../formats/exists.ts";
import type { Checkpoint } from "../../models/sdxl/checkpoint.ts";
import { usualSide, vaeFactor } from "../../models/sdxl/config.ts";
import { openLora } from "../../models/sdxl/lora-file.ts";
import { onnxRuntime } from "../../runtime/onnx/session.ts";
import { threadedRuntime } from "../../runtime/onnx/threaded.ts";
import type { Finding } from "../../sampling/finding.ts";
import { checkpointPlace, type Keep, newestCheckpoint, type SavedState } from "../../trainer/checkpoints.ts";
import { changedDataFinding, type DataIdentity, dataIdentity } from "../../trainer/data-identity.ts";
import { leftOutFinding } from "../../trainer/left-out.ts";
import type { Lesson } from "../../trainer/lesson.ts";
import { openRunLog, type RunLog } from "../../trainer/log/index.ts";
import { openSdxlRun } from "../../trainer/open-sdxl.ts";
import { checkRecipe, type RunRecipe, stateToResume } from "../../trainer/resume.ts";
import { type Due, runLesson } from "../../trainer/run.ts";
import { trainedSchedule } from "../../trainer/scheduler-config.ts";
import { openCrew } from "../../training/crew/threads.ts";
import { checkRunLength, followsLength, learnerOptionsOf, type TrainingRecipe } from "../../training/recipe/index.ts";
import type { Replicas } from "../../training/segments/open-step.ts";
import { shiftForSize } from "../../training/timesteps/shift.ts";
import { engineThreads } from "../engine-threads.ts";
import { lockFolder } from "../folder-lock.ts";
import { countsInEpochs, epochsIn, stepsOf } from "./epoch-steps.ts";
import { dueOf, type Epochs } from "./epochs.ts";
import { loraSettings } from "./lora-settings.ts";
import { previewsOf } from "./previews.ts";
import { baseOf, modelToTrain, recipeOf } from "./recipe-base.ts";
import { datasetOf, overruledFindings } from "./recipe-data.ts";
import { placeOf, type RecipeFile, readRecipeFile, runFolder } from "./recipe-file.ts";
import { samplePrompts } from "./sample-prompts.ts";
import { saveFindings } from "./save-findings.ts";
import type { PreviewFile, TrainEvent } from "./train-events.ts";
import type { TrainOptions } from "./train-options.ts";
import { vaeKeyFindings } from "./vae-keys.ts";
import { openVaeRun } from "./vae-run.ts";

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
    lesson = yield* opened({ ...run, folder, saved, startedAt: log.startedAt });
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

type Opening = {
  readonly options: TrainOptions;
  readonly file: RecipeFile;
  readonly base: Checkpoint | undefined;
  readonly recipe: TrainingRecipe;
  readonly set: DataSet;
  readonly steps: number;
  /** Where the recipe counts in them. */
  readonly epochs: Epochs | undefined;
  readonly folder: string;
  readonly saved: SavedState | undefined;
  /** At first, whatever stopped it since. */
  readonly startedAt: Date;
  readonly signal: AbortSignal;
};

async function* opened(opening: Opening): Events<Lesson> {
  yield { type: "stage", stage: "open", message: "opening what learns" };
  const walk = opening.file.own.train_vae === undefined ? await sdxlRun(opening) : vaeRun(opening);
  for (;;) {
    const step = await walk.next();
    if (step.done) return step.value;
    const { what, done, total } = step.value;
    yield { type: "progress", stage: what === "captions" ? "captions" : "cache", done, total };
    if (opening.signal.aborted) throw new IllustriousError("cancelled", "stopped before the first step");
  }
}

function vaeRun({ options, file, recipe, set, steps, saved }: Opening) {
  const { groups, ...learner } = learnerOptionsOf(recipe.learning, ["unet"], steps);
  const { vae, seed = 0, save_precision: precision = "float" } = recipe.values;
  const dtype = DTYPES[precision];
  const { threads } = engineThreads(options.threads);
  const runtime = onnxRuntime({ threads });
  const replicas = replicasOf(threads, Math.min(...file.own.vae_crops.map(([, batch]) => batch)));
  const rate = groups.unet!;
  return openVaeRun({ runtime, replicas, file, set, seed, learner: { ...learner, rate }, begin: vae, saved, dtype });
}

/** As many parts of a batch as there are threads, where it has so many pictures. */
function replicasOf(threads: number, batch: number): Replicas {
  const count = Math.min(threads, batch);
  return { count, runtime: threadedRuntime({ threads: Math.floor(threads / count) }), crew: openCrew(count) };
}

async function sdxlRun(opening: Opening) {
  const { options, file, base, recipe, set, steps, epochs, folder, saved, startedAt, signal } = opening;
  const { objective, network, train, values: keys } = recipe;
  const model = await modelToTrain(file, base, recipe);
  const schedule = trainedSchedule(objective);
  const prompts = await samplePrompts(keys.sample_prompts, (path) => placeOf(file, path), keys.sample_sampler);
  const vae = keys.vae === undefined ? undefined : placeOf(file, keys.vae);
  const side = set.items.reduce((most, { bucket }) => Math.max(most, squareOf(bucket)), 0);
  const factor = vaeFactor(model.configs.vae);
  const usual = usualSide(model.configs);
  const ranks = network && {
    rank: network.rank,
    alpha: network.alpha,
    ...(network.convRank !== undefined && { convRank: network.convRank }),
    ...(network.convAlpha !== undefined && { convAlpha: network.convAlpha }),
  };
  const { threads } = engineThreads(options.threads);
  const oneFile = `${basename(file.name)}.safetensors`;
  return openSdxlRun({
    runtime: onnxRuntime({ threads }),
    replicas: replicasOf(threads, Math.min(...set.config.datasets.map(({ batchSize }) => batchSize))),
    model,
    set,
    seed: keys.seed ?? 0,
    recipe: objective,
    schedule,
    train,
    ...(ranks && {
      lora: {
        file: oneFile,
        ranks,
        settings: (step) => loraSettings({ file, recipe, base: base!, ranks, set, steps, step, epochs, startedAt }),
        ...(network?.weights !== undefined && { begin: await openLora(placeOf(file, network.weights), model.configs) }),
      },
    }),
    ...(recipe.shiftBySize && { shiftOf: (h: number, w: number) => shiftForSize(w * factor, h * factor, usual) }),
    learner: learnerOptionsOf(recipe.learning, train, steps),
    clipSkip: keys.clip_skip,
    captionsFirst: recipe.captionsFirst,
    segments: file.own.segments,
    cacheFolder: file.own.data_cache === undefined ? join(folder, "cache") : placeOf(file, file.own.data_cache),
    dtype: DTYPES[keys.save_precision ?? "fp16"],
    metadata: (step) => ({
      "modelspec.title": file.name,
      "modelspec.date": new Date().toISOString().slice(0, 19),
      "illustrious.steps": String(step),
    }),
    ...(keys.save_model_as === "safetensors" && { singleFile: oneFile }),
    saved,
    ...(prompts.length > 0 && {
      examine: async (step, saveModel) => ({
        figures: {},
        previews: await previewsOf(
          saveModel,
          {
            ...{ run: folder, step, prompts, size: side, seed: 1, schedule, clipSkip: keys.clip_skip },
            ...(ranks && base && { lora: { file: oneFile, base: base.path, vae, shift: objective.table.shift } }),
          },
          signal,
        ),
      }),
    }),
  });
}

/** A side of a square of a bucket's area, to the next 64 pixels. */
function squareOf({ width, height }: { readonly width: number; readonly height: number }): number {
  return width === height ? width : 64 * Math.max(1, Math.round(Math.sqrt(width * height) / 64));
}

const DTYPES = { float: "F32", fp16: "F16", bf16: "BF16" } as const;

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
