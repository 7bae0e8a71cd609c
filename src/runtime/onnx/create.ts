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

export async function createSession(
  { bytes, folder }: EmittedGraph,
  options: CreateOptions,
): Promise<InferenceSession> {
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

/** @param feeds of every input of the graph */
export async function runSession(
  session: InferenceSession,
  { inputs, outputs }: EmittedGraph,
  feeds: Values,
  wanted: readonly string[] = outputs,
): Promise<Record<string, Value>> {
  const tensors: Record<string, OrtTensor> = {};
  for (const name of inputs) tensors[name] = toOrt(feeds[name]!);
  const results = await session.run(tensors, wanted, { logSeverityLevel: SILENT }).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new IllustriousError("engine_failed", `ONNX Runtime cannot run the graph: ${why}`, undefined, { cause });
  });
  return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, fromOrt(tensor)]));
}

function toOrt({ data, shape }: Value): OrtTensor {
  if (data instanceof BigInt64Array) return new OrtTensor("int64", data, [...shape]);
  // ONNX Runtime does not read shared memory.
  const own = data instanceof Float32Array && !(data.buffer instanceof SharedArrayBuffer);
  return new OrtTensor("float32", own ? (data as Float32Array) : new Float32Array(data), [...shape]);
}

function fromOrt(tensor: OrtTensor): Value {
  return { data: tensor.data as Float32Array | BigInt64Array, shape: tensor.dims };
}
