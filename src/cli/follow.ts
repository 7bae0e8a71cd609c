/** @file Runs `generate` to its end or until someone stops it, and shows how it goes. */

import { IllustriousError } from "../base/error.ts";
import type { GenerateEvent } from "../tasks/generate-events.ts";
import type { GenerateInput } from "../tasks/generate-options.ts";
import { counted } from "./quantities.ts";
import type { Report } from "./report.ts";
import { EXIT, type Shell } from "./shell.ts";
import { exitCodeOf, stopRequest } from "./stop-request.ts";

/** The task as the library has it. */
export type GenerateTask = (
  options: GenerateInput,
  control?: { signal?: AbortSignal },
) => AsyncGenerator<GenerateEvent, void>;

export type Picture = Extract<GenerateEvent, { type: "picture" }>;

/** A run and what is to be done with each event before it is shown. */
export type Run = {
  readonly options: GenerateInput;
  /** May write files; gives back what to show: the event, and what there is to say about it. */
  handle?(event: GenerateEvent): Promise<readonly GenerateEvent[]>;
};

/**
 * One run after the other, in which Ctrl-C stops all.
 *
 * @returns the exit code
 */
export async function follow(task: GenerateTask, runs: readonly Run[], shell: Shell, report: Report): Promise<number> {
  let pictures = 0;
  let last: GenerateEvent | undefined;
  const stop = stopRequest(
    shell,
    () => report.note("stopping after this step; Ctrl-C once more stops at once"),
    () => report.end(),
  );
  try {
    for (const { options, handle } of runs) {
      if (stop.by()) break;
      for await (const event of task(options, { signal: stop.signal })) {
        if (event.type === "picture") pictures++;
        last = event;
        for (const shown of handle ? await handle(event) : [event]) report.event(shown);
      }
    }
  } catch (error) {
    if (!stop.by() || !isCancelled(error)) throw error;
    last = undefined;
  } finally {
    report.end();
    stop.end();
  }
  const by = stop.by();
  // A request that came after the last step has stopped nothing.
  if (!by || (last?.type === "done" && runs.length === 1)) return EXIT.ok;
  shell.stderr.write(`stopped after ${counted(pictures, "picture")}\n`);
  return exitCodeOf(by);
}

function isCancelled(error: unknown): boolean {
  return error instanceof IllustriousError && error.code === "cancelled";
}
