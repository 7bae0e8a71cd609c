/** @file What models can do on drawn scenes, for programs: `for await (const event of evaluate({ models })) …`. */

import type { EvaluateInput } from "./evaluate/options.ts";
import type { EvaluateControl, EvaluateEvent } from "./evaluate/run.ts";
import { checkControl } from "./parsed-options.ts";

/**
 * Draws pictures with each model, judges them, and tells how it goes; the last event, `done`, has the evaluation. What is drawn is kept
 * in `folder`: a later call with the same models goes on from it.
 *
 * @throws IllustriousError `bad_option`, `missing_file`, `write_failed` and what opening a checkpoint throws, of every model before
 * anything is drawn; `cancelled` after an abort; `engine_failed` if the engine's process dies
 */
export async function* evaluate(
  input: EvaluateInput,
  control: EvaluateControl = {},
): AsyncGenerator<EvaluateEvent, void> {
  checkControl(control);
  // Scenes are drawn with sharp, which a program that never evaluates need not load.
  const { runEvaluation } = await import("./evaluate/run.ts");
  yield* runEvaluation(input, control);
}
