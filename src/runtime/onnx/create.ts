/** @file ONNX bytes to a session of ONNX Runtime, and values through it. Both block the thread they are called on. */

import { availableParallelism } from "node:os";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { IllustriousError } from "../../base/error.ts";
import type { OpenOptions, Value, Values } from "../runtime.ts";

/** A graph as ONNX Runtime takes it; plain data, so that it can go to another thread. */
export type EmittedGraph = {
  readonly bytes: Uint8Array;
  /** Under which the files with the weights lie. */
  readonly folder: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
};

export type CreateOptions = Pick<OpenOptions, "givesBack" | "lendsOutputs"> & {
  readonly threads?: number;
  readonly profile?: string;
};

/** Errors are thrown, and told where they are caught: ONNX Runtime need not write them to stderr as well. */
const SILENT = 4;

/** A session of the thread that it was created on. */
export type CreatedSession = {
  /** @param feeds of every input of the graph; `wanted`: the outputs to give, all if not told */
  run(feeds: Values, wanted?: readonly string[]): Promise<Record<string, Value>>;
  release(): Promise<void>;
};

export async function createSession(emitted: EmittedGraph, options: CreateOptions): Promise<CreatedSession> {
  const session = await opened(emitted, options);
  const toOrt = converter(!options.givesBack);
  return {
    async run(feeds, wanted = emitted.outputs) {
      const tensors: Record<string, OrtTensor> = {};
      for (const name of emitted.inputs) tensors[name] = toOrt(name, feeds[name]!);
      const results = await session.run(tensors, wanted, { logSeverityLevel: SILENT }).catch((cause: unknown) => {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new IllustriousError("engine_failed", `ONNX Runtime cannot run the graph: ${why}`, undefined, { cause });
      });
      return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, fromOrt(tensor)]));
    },
    release: () => session.release(),
  };
}

async function opened({ bytes, folder }: EmittedGraph, options: CreateOptions): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(bytes, {
      executionProviders: ["cpu"],
      intraOpNumThreads: options.threads ?? availableParallelism(),
      graphOptimizationLevel: "all",
      logSeverityLevel: SILENT,
      // Traced at the first run of a size and laid out as one more block at the second: a third more memory, for nothing
      // that could be measured where sizes change from run to run.
      enableMemPattern: false,
      enableCpuMemArena: !options.givesBack,
      ...(options.profile ? { enableProfiling: true, profileFilePrefix: options.profile } : {}),
      extra: { session: { model_external_initializers_file_folder_path: folder } },
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new IllustriousError("engine_failed", `ONNX Runtime cannot open the graph: ${why}`, undefined, { cause });
  }
}

/**
 * ONNX Runtime does not read shared memory: what lies there is copied. With `keeps`, an input's copy is written anew as long as its
 * length stays; a new one every run costs more than the copying.
 */
function converter(keeps: boolean): (name: string, value: Value) => OrtTensor {
  const copies = new Map<string, Float32Array>();
  function own(name: string, data: Float32Array | Float64Array): Float32Array {
    if (data instanceof Float32Array && !(data.buffer instanceof SharedArrayBuffer)) return data;
    const kept = copies.get(name);
    if (kept?.length !== data.length) {
      const copy = new Float32Array(data);
      if (keeps) copies.set(name, copy);
      return copy;
    }
    kept.set(data);
    return kept;
  }
  return (name, { data, shape }) =>
    data instanceof BigInt64Array
      ? new OrtTensor("int64", data, [...shape])
      : new OrtTensor("float32", own(name, data), [...shape]);
}

function fromOrt(tensor: OrtTensor): Value {
  return { data: tensor.data as Float32Array | BigInt64Array, shape: tensor.dims };
}
