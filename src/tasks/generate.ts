/** @file A prompt to pictures, for programs: `for await (const event of generate({ model, prompt })) …`. */

import { EngineProcess } from "../runtime/process/engine-process.ts";
import { completeInput } from "./complete-input.ts";
import type { GenerateEvent } from "./generate-events.ts";
import { type GenerateInput, parseGenerateOptions } from "./generate-options.ts";
import { checkFolder } from "./output-place.ts";
import { checkControl } from "./parsed-options.ts";

export type GenerateControl = {
  /** Abort to stop after the step in progress. */
  readonly signal?: AbortSignal | undefined;
  /** The process that does the work, if not the one that all calls share. */
  readonly engine?: EngineProcess | undefined;
};

let shared: EngineProcess | undefined;

/**
 * A new engine: a process of its own, with its own models in memory.
 *
 * @param entry the compiled module that the process runs, if not this package's own
 */
export function createEngine(entry: URL = new URL("./engine-main.js", import.meta.url)): EngineProcess {
  return new EngineProcess({ entry });
}

/**
 * Makes pictures in the engine's process and tells what happens. The model stays loaded for the next call.
 *
 * @throws IllustriousError `bad_option`, `missing_file` and `write_failed` before anything starts; what opening the
 * checkpoint throws; `not_enough_memory`; `cancelled` after an abort, or when the engine is closed; `engine_failed` if the engine's process dies
 */
export async function* generate(
  input: GenerateInput,
  control: GenerateControl = {},
): AsyncGenerator<GenerateEvent, void> {
  checkControl(control);
  // Mistakes are told before a model is looked for, which may bring options of its own.
  parseGenerateOptions(input);
  const options = parseGenerateOptions(await completeInput(input));
  if (options.outDir !== undefined) await checkFolder(options.outDir);
  shared ??= createEngine();
  yield* (control.engine ?? shared).run<GenerateEvent>("generate", options, control.signal);
}

/** Ends the shared engine, cancels what it does and frees its memory. A later `generate` starts a new one. */
export async function closeEngine(): Promise<void> {
  await shared?.close();
}
