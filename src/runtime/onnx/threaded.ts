/**
 * @file Sessions of ONNX Runtime that each have a thread of their own, so that several run at once: small networks gain more
 * from two halves of a batch side by side than from two threads on the whole (bench/training.md).
 */

import { Worker } from "node:worker_threads";
import { IllustriousError } from "../../base/error.ts";
import type { Runtime, Session, Value, Values } from "../runtime.ts";
import type { CreateOptions, EmittedGraph } from "./create.ts";
import { packer, unpacker } from "./parcels.ts";
import { type OnnxOptions, runtimeWith } from "./session.ts";
import type { FromThread, ToThread } from "./session-thread.ts";

/**
 * As `onnxRuntime`, but runs do not block, and sessions run beside each other. Values that lie in shared memory are read there; others
 * are copied. Ending a run in its middle ends the process: use it where that is a process of its own.
 *
 * @param options `threads` are those of each session
 */
export function threadedRuntime(
  options: OnnxOptions,
  entry = new URL("./session-thread.js", import.meta.url),
): Runtime {
  return runtimeWith(options, (emitted, { givesBack, lendsOutputs, threads, profile }) =>
    openThread(entry, emitted, {
      ...(lendsOutputs !== undefined && { lendsOutputs }),
      ...(givesBack !== undefined && { givesBack }),
      ...(threads !== undefined && { threads }),
      ...(profile !== undefined && { profile }),
    }),
  );
}

async function openThread(entry: URL, emitted: EmittedGraph, options: CreateOptions): Promise<Session> {
  const worker = new Worker(entry, { workerData: { emitted, options } });
  const [packed, unpacked] = [packer(), unpacker()];
  /** Whoever waits for the thread's next word. */
  let answer: { resolve: (message: FromThread) => void; reject: (error: unknown) => void } | undefined;
  let dead: unknown;
  const end = (error: unknown) => {
    // The first is the cause; that the thread then ends is not.
    dead ??= error;
    answer?.reject(dead);
    answer = undefined;
  };
  worker.on("message", (message: FromThread) => {
    answer?.resolve(message);
    answer = undefined;
  });
  worker.on("error", end);
  worker.on("exit", () => end(new IllustriousError("engine_failed", "a session's thread has ended")));

  async function next(): Promise<FromThread> {
    if (dead) throw dead;
    const message = await new Promise<FromThread>((resolve, reject) => {
      answer = { resolve, reject };
    });
    if (message.type === "failed") throw new IllustriousError("engine_failed", message.message);
    return message;
  }

  try {
    await next();
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  return {
    async run(feeds: Values, wanted?: readonly string[]): Promise<Record<string, Value>> {
      if (answer) throw new IllustriousError("internal", "internal: a session is run while it runs");
      const message: ToThread = { feeds: packed(feeds), ...(wanted && { wanted }) };
      worker.postMessage(message);
      const done = await next();
      return done.type === "done" ? unpacked(done.results) : {};
    },
    async release() {
      await worker.terminate();
    },
  };
}
