/**
 * @file The processes that decode. A file of a stranger may crash a decoder or keep it for ever: then its process ends, another takes
 * its place, and the file has a reason in place of measures.
 */

import { IllustriousError } from "../../base/error.ts";
import {
  type Fault,
  type ImageFacts,
  type MeasureRequest,
  NO_FACTS,
  NO_THUMBNAIL,
  type ThumbnailFacts,
  type ThumbnailRequest,
} from "../../data/audit/index.ts";
import { EngineProcess } from "../../runtime/process/engine-process.ts";

export type Decoders = {
  /** Waits for a process that is free. @throws IllustriousError `engine_failed` when no process can be started */
  measure(request: MeasureRequest): Promise<ImageFacts>;
  /** Waits, and fails, as `measure`. */
  thumbnail(request: ThumbnailRequest): Promise<ThumbnailFacts>;
  /** Process ids, for those that run. */
  pids(): number[];
  close(): Promise<void>;
};

export type DecoderOptions = {
  /** The module that serves `measure` and `thumbnail`. */
  readonly entry: URL;
  readonly workers: number;
  /** Seconds a file. */
  readonly timeLimit: number;
};

/** Processes that ended before they began with a file, one after the other: then it is not the files. */
const MOST_FALSE_STARTS = 3;

/** A process may have been ended by something else, such as the system for want of memory: a file has a second try. */
const TRIES = 2;

export function openDecoders({ entry, workers, timeLimit }: DecoderOptions): Decoders {
  const engines = Array.from({ length: workers }, () => new EngineProcess({ entry, patience: 0, stderr: "ignore" }));
  const free = [...engines];
  const waiting: ((engine: EngineProcess) => void)[] = [];
  let falseStarts = 0;
  let closed = false;

  const take = (): Promise<EngineProcess> => {
    const engine = free.pop();
    return engine ? Promise.resolve(engine) : new Promise((resolve) => waiting.push(resolve));
  };
  const give = (engine: EngineProcess): void => {
    const next = waiting.shift();
    if (next) next(engine);
    else free.push(engine);
  };

  /** What becomes known of a file, piece by piece, and why no more does. */
  type Facts = { readonly error: string | null; readonly errorText: string | null };

  type FileEvent<F> = { readonly type: "begun" } | { readonly type: "facts"; readonly facts: Partial<F> };

  type Attempt<F> = {
    readonly facts: F;
    readonly ended?: { readonly message: string; readonly overFile: boolean };
  };

  /** The facts, and how the process ended, if it did: over the file, or before it began with it. */
  async function attempt<F extends Facts>(
    engine: EngineProcess,
    task: string,
    request: unknown,
    nothing: F,
  ): Promise<Attempt<F>> {
    if (closed) throw new IllustriousError("cancelled", "the decoders were closed");
    const limit = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    let facts = nothing;
    try {
      for await (const event of engine.run<FileEvent<F>>(task, request, limit.signal)) {
        if (event.type === "facts") facts = { ...facts, ...event.facts };
        else {
          falseStarts = 0;
          timer = setTimeout(() => limit.abort(), 1000 * timeLimit);
        }
      }
      return { facts };
    } catch (error) {
      if (limit.signal.aborted) return { facts: { ...facts, ...fault("time_limit", `more than ${timeLimit} s`) } };
      if (!(error instanceof IllustriousError) || error.code !== "engine_failed") throw error;
      const overFile = timer !== undefined;
      if (!overFile && ++falseStarts >= MOST_FALSE_STARTS) throw error;
      return { facts, ended: { message: error.message, overFile } };
    } finally {
      clearTimeout(timer);
    }
  }

  async function factsOf<F extends Facts>(task: string, request: unknown, nothing: F): Promise<F> {
    const engine = await take();
    try {
      for (let crashes = 0; ; ) {
        const { facts, ended } = await attempt(engine, task, request, nothing);
        if (!ended) return facts;
        if (ended.overFile) crashes++;
        if (crashes < TRIES) continue;
        const how = ended.message.replace("the engine's process", "the decoder's process");
        return { ...facts, ...fault("crashed", how) };
      }
    } finally {
      give(engine);
    }
  }

  return {
    measure: (request) => factsOf("measure", request, NO_FACTS),
    thumbnail: (request) => factsOf("thumbnail", request, NO_THUMBNAIL),
    pids: () => engines.flatMap(({ pid }) => pid ?? []),
    async close() {
      closed = true;
      await Promise.all(engines.map((engine) => engine.close()));
    },
  };
}

const fault = (error: Fault["error"], errorText: string): Fault => ({ error, errorText });
