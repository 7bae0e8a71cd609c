/** @file What runs in the thread of a session (`src/runtime/onnx/threaded.ts`): opens it, then run after run. */

import { parentPort, workerData } from "node:worker_threads";
import type { Value } from "../runtime.ts";
import { type CreateOptions, createSession, type EmittedGraph } from "./create.ts";
import { type Parcel, packer, unpacker } from "./parcels.ts";

export type ToThread = { readonly feeds: Parcel; readonly wanted?: readonly string[] };

export type FromThread =
  | { readonly type: "open" }
  | { readonly type: "done"; readonly results: Parcel }
  | { readonly type: "failed"; readonly message: string };

const port = parentPort!;
const { emitted, options } = workerData as { emitted: EmittedGraph; options: CreateOptions };

/** Shared memory for each output, as large as it has been so far: a new piece a run would be freed too late. */
const places = new Map<string, SharedArrayBuffer>();
const [packed, unpacked] = [packer(), unpacker()];

function lent(results: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(results).map(([name, { data, shape }]) => {
      if (!(data instanceof Float32Array)) return [name, { data, shape }];
      let place = places.get(name);
      if (!place || place.byteLength < data.byteLength) {
        place = new SharedArrayBuffer(data.byteLength);
        places.set(name, place);
      }
      const copy = new Float32Array(place, 0, data.length);
      copy.set(data);
      return [name, { data: copy, shape }];
    }),
  );
}

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
      const results = await session.run(unpacked(feeds), wanted);
      if (options.lendsOutputs) return send({ type: "done", results: packed(lent(results)) });
      const buffers = new Set(Object.values(results).map(({ data }) => data.buffer as ArrayBuffer));
      send({ type: "done", results: packed(results) }, [...buffers]);
    }),
  );
  send({ type: "open" });
});
