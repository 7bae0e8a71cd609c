/** @file What runs in the thread of a session (`src/runtime/onnx/threaded.ts`): opens it, then run after run. */

import { parentPort, workerData } from "node:worker_threads";
import type { Value, Values } from "../runtime.ts";
import { type CreateOptions, createSession, type EmittedGraph, runSession } from "./create.ts";

export type ToThread = { readonly feeds: Values; readonly wanted?: readonly string[] };

export type FromThread =
  | { readonly type: "open" }
  | { readonly type: "done"; readonly results: Record<string, Value> }
  | { readonly type: "failed"; readonly message: string };

const port = parentPort!;
const { emitted, options } = workerData as { emitted: EmittedGraph; options: CreateOptions };

const send = (message: FromThread, transferred: readonly ArrayBuffer[] = []) =>
  port.postMessage(message, [...transferred]);

async function told(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    send({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}

await told(async () => {
  const session = await createSession(emitted, options);
  port.on("message", ({ feeds, wanted }: ToThread) =>
    told(async () => {
      const results = await runSession(session, emitted, feeds, wanted);
      const buffers = new Set(Object.values(results).map(({ data }) => data.buffer as ArrayBuffer));
      send({ type: "done", results }, [...buffers]);
    }),
  );
  send({ type: "open" });
});
