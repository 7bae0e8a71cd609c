/** @file Training, for programs: `for await (const event of train({ recipe: "recipe.toml" })) …`. */

import { basename, join, relative, resolve } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { EngineProcess } from "../../runtime/process/engine-process.ts";
import { type CheckpointPlace, checkpointPlace, newestCheckpoint } from "../../trainer/checkpoints.ts";
import { checkControl } from "../parsed-options.ts";
import { readRecipeFile, runFolder } from "./recipe-file.ts";
import type { TrainEvent } from "./train-events.ts";
import { parseTrainOptions, type TrainInput } from "./train-options.ts";

export type TrainControl = {
  /** Abort to stop after the step in progress, with a checkpoint of it. */
  readonly signal?: AbortSignal | undefined;
  /** The compiled module that the process runs, if not this package's own. */
  readonly entry?: URL;
};

/** A step of a large network and the writing of its checkpoint, in milliseconds. */
const PATIENCE = 10 * 60_000;

/**
 * Trains in a process of its own and tells what happens. A run of the same recipe goes on from its newest checkpoint, also
 * after its process was killed.
 *
 * @throws IllustriousError `bad_option`, `missing_file` and `bad_file` for the recipe, before anything starts; what opening
 * the model and the data throw; `diverged`; `cancelled` after an abort, naming the newest checkpoint; `engine_failed` if the process dies
 */
export async function* train(input: TrainInput, control: TrainControl = {}): AsyncGenerator<TrainEvent, void> {
  checkControl(control);
  const options = parseTrainOptions(input);
  const folder = runFolder(await readRecipeFile(options));
  const { entry = new URL("../engine-main.js", import.meta.url) } = control;
  const engine = new EngineProcess({ entry, patience: PATIENCE });
  const here = process.cwd();
  let toldStep = (await newestPlace(folder, here))?.step ?? 0;
  /** Until a run that begins anew has set aside what is there, nothing goes on from it. */
  let isOld = options.restart;
  try {
    for await (const event of engine.run<TrainEvent>("train", options, control.signal)) {
      if (event.type === "start") {
        isOld = false;
        toldStep = event.from;
      }
      if (event.type === "saved") toldStep = event.step;
      yield event;
    }
  } catch (error) {
    const isCancel = error instanceof IllustriousError && error.code === "cancelled";
    const newest = isCancel && !isOld ? await newestPlace(folder, here) : undefined;
    if (!newest) throw error;
    // What is saved because of the abort comes after the last event that arrives.
    if (newest.step > toldStep) yield { type: "saved", ...newest };
    const message = `train was cancelled; its newest checkpoint, of step ${newest.step}, is ${newest.folder}`;
    throw new IllustriousError("cancelled", message, "The same recipe goes on from there.", { cause: error });
  } finally {
    await engine.close();
  }
}

/** Told as the run's folder is, which may be relative. */
async function newestPlace(run: string, here: string): Promise<CheckpointPlace | undefined> {
  const found = await newestCheckpoint(resolve(here, run));
  if (found === undefined) return undefined;
  const { step, model } = await checkpointPlace(found);
  const folder = join(run, basename(found));
  return { step, folder, model: join(folder, relative(found, model)) };
}
