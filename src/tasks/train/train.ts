/** @file Training, for programs: `for await (const event of train({ recipe: "recipe.toml" })) …`. */

import { EngineProcess } from "../../runtime/process/engine-process.ts";
import { readRecipeFile } from "./recipe-file.ts";
import type { TrainEvent } from "./train-events.ts";
import { parseTrainOptions, type TrainInput } from "./train-options.ts";

export type TrainControl = {
  /** Abort to stop after the step in progress, with a checkpoint of it. */
  readonly signal?: AbortSignal;
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
 * the model and the data throw; `cancelled` after an abort; `engine_failed` if the process dies
 */
export async function* train(input: TrainInput, control: TrainControl = {}): AsyncGenerator<TrainEvent, void> {
  const options = parseTrainOptions(input);
  await readRecipeFile(options);
  const { entry = new URL("../engine-main.js", import.meta.url) } = control;
  const engine = new EngineProcess({ entry, patience: PATIENCE });
  try {
    yield* engine.run<TrainEvent>("train", options, control.signal);
  } finally {
    await engine.close();
  }
}
