/** @file The process in which audits are asked in SQL, as tasks use it: with a scratch folder, and limits that fit the machine. */

import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { EngineProcess } from "../../runtime/process/engine-process.ts";

export type AnalysisControl = {
  /** Interrupts the work, which then throws `cancelled`. */
  readonly signal?: AbortSignal | undefined;
  /** The module of the process that works, for programs that bundle it elsewhere. */
  readonly entry?: URL;
};

export const limitOptions = {
  memory: z.number().min(0.1).max(4096).optional().describe("gigabytes to use [default: half of the machine's]"),
  threads: z.int().min(1).max(256).optional().describe("threads [default: one a core]"),
};

export type AnalysisLimits = { readonly memory?: number | undefined; readonly threads?: number | undefined };

/** What every request to the process has. */
export type Resources = { readonly scratch: string; readonly memory: number; readonly threads: number };

/**
 * Events of a task of `analysis-main.ts`. The process and the scratch folder are gone when the generator has ended, however it ends.
 *
 * @param request made of the resources that the task gets
 */
export async function* analysis<Event>(
  task: string,
  request: (resources: Resources) => unknown,
  { memory, threads = availableParallelism() }: AnalysisLimits,
  { signal, entry = new URL("./analysis-main.js", import.meta.url) }: AnalysisControl,
): AsyncGenerator<Event, void> {
  const scratch = await mkdtemp(join(tmpdir(), "illustrious-sql-"));
  const engine = new EngineProcess({ entry });
  try {
    const bytes = memory === undefined ? usableMemory() / 2 : memory * 1e9;
    yield* engine.run<Event>(task, request({ scratch, memory: bytes, threads }), signal);
  } finally {
    await engine.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Bytes of the machine, or of the container that this runs in. */
function usableMemory(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
}
