/** @file What a recipe asks to learn, opened: an autoencoder, whole networks, or pairs beside them. Runs in the engine's process. */

import { basename, join } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import type { DataSet } from "../../data/sets/index.ts";
import type { Checkpoint } from "../../models/sdxl/checkpoint.ts";
import { usualSide, vaeFactor } from "../../models/sdxl/config.ts";
import { openLora } from "../../models/sdxl/lora-file.ts";
import { onnxRuntime } from "../../runtime/onnx/session.ts";
import { threadedRuntime } from "../../runtime/onnx/threaded.ts";
import type { SavedState } from "../../trainer/checkpoints.ts";
import type { Lesson } from "../../trainer/lesson.ts";
import { openSdxlRun } from "../../trainer/open-sdxl.ts";
import { trainedSchedule } from "../../trainer/scheduler-config.ts";
import { openCrew } from "../../training/crew/threads.ts";
import { learnerOptionsOf, type TrainingRecipe } from "../../training/recipe/index.ts";
import type { Replicas } from "../../training/segments/open-step.ts";
import { shiftForSize } from "../../training/timesteps/shift.ts";
import { engineThreads } from "../engine-threads.ts";
import type { Epochs } from "./epochs.ts";
import { loraSettings } from "./lora-settings.ts";
import { previewsOf } from "./previews.ts";
import { modelToTrain } from "./recipe-base.ts";
import { placeOf, type RecipeFile } from "./recipe-file.ts";
import { samplePrompts } from "./sample-prompts.ts";
import type { TrainEvent } from "./train-events.ts";
import type { TrainOptions } from "./train-options.ts";
import { openVaeRun } from "./vae-run.ts";

export type Opening = {
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

/**
 * Tells what is read into caches on the way.
 *
 * @throws IllustriousError `cancelled` after an abort; what the model and the data throw
 */
export async function* openLesson(opening: Opening): AsyncGenerator<TrainEvent, Lesson> {
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
