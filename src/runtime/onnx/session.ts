/** @file Sessions of ONNX Runtime. A run blocks its thread until it is done: call this only in a process made for it. */

import { realpath } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { env, InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { IllustriousError } from "../../base/error.ts";
import { writeOnnx } from "../../formats/onnx/write.ts";
import type { Graph } from "../../graph/graph.ts";
import { weightBytes } from "../memory.ts";
import type { OpenOptions, Runtime, Session, Value, Values } from "../runtime.ts";
import { sizesOf } from "../sizes.ts";
import type { WeightSource, Weights } from "../weights.ts";
import { findBlock } from "./blocked-convolution.ts";
import { emitOnnx } from "./emit.ts";
import { changingTensors, commonFolder } from "./emitter.ts";
import { footprintOf } from "./footprint.ts";
import { chooseResidency, type Residency } from "./residency.ts";

export type OnnxOptions = {
  readonly threads?: number;
  /** Where the profile is written when the session is released: this name with the time appended. */
  readonly profile?: string;
  /** By default folded where it fits into `memory`, mapped where it does not. */
  readonly residency?: Residency;
  /** Bytes that a session may take; by default what the system has left when the runtime is made. */
  readonly memory?: number;
};

export function onnxRuntime(options: OnnxOptions = {}): Runtime {
  const { memory = process.availableMemory() } = options;
  return {
    name: engineName(),
    footprint: (graph, weights, sizes, own) => footprintOf(graph, weights, sizes, own?.memory ?? memory),
    open: (graph, weights, own) => open(graph, weights, { ...options, memory, ...own }),
  };
}

/** What decides the last bits of a result: the runtime's version, its provider and the processor's class. */
function engineName(): string {
  return `onnxruntime-node ${env.versions.node}, cpu, ${cpus()[0]?.model.trim() ?? process.arch}`;
}

async function open(
  graph: Graph,
  weights: Weights,
  options: OnnxOptions & OpenOptions & { memory: number },
): Promise<Session> {
  const used = await withRealPaths(graph, weights);
  const folder = commonFolder([...used.values()].map(({ path }) => path));
  const { float32, again } = weightBytes(graph, weights);
  const folded = float32 + again.matrices + again.kernels;
  const residency = options.residency ?? chooseResidency(folded, options.memory);
  const block = hasChangingKernel(graph) ? await channelBlock() : undefined;
  const bytes = writeOnnx(emitOnnx(graph, used, folder, residency, block));
  const session = await create(bytes, folder, options);
  return {
    run: (feeds, outputs) => run(session, graph, feeds, outputs),
    release: () => session.release(),
  };
}

/** As in training, where the kernels are inputs. */
function hasChangingKernel(graph: Graph): boolean {
  const changing = changingTensors(graph);
  return graph.tensors.some(
    ({ op, inputs }) => (op === "conv2d" || op === "convTranspose2d") && changing.has(inputs[1]!),
  );
}

let found: Promise<number | undefined> | undefined;

/** A fact of the processor and of ONNX Runtime: tried once, in about 20 ms. */
function channelBlock(): Promise<number | undefined> {
  found ??= findBlock(async (graph, feeds, block) => {
    const session = await create(writeOnnx(emitOnnx(graph, new Map(), "", "folded", block)), "", { threads: 1 });
    const results = await run(session, graph, feeds, undefined);
    await session.release();
    return results;
  });
  return found;
}

/** ONNX Runtime refuses links that leave the folder, and a hub's cache is all links: it is given what they point to. */
async function withRealPaths(graph: Graph, weights: Weights): Promise<Weights> {
  const real = new Map<string, string>();
  const used = new Map<string, WeightSource>();
  for (const { attributes } of graph.weights) {
    const source = weights.get(attributes.name);
    if (!source) continue;
    if (!real.has(source.path)) real.set(source.path, await realpath(source.path));
    used.set(attributes.name, { ...source, path: real.get(source.path)! });
  }
  return used;
}

/** Errors are thrown, and told where they are caught: ONNX Runtime need not write them to stderr as well. */
const SILENT = 4;

async function create(
  bytes: Uint8Array,
  folder: string,
  options: OnnxOptions & OpenOptions,
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

async function run(
  session: InferenceSession,
  graph: Graph,
  feeds: Values,
  outputs: readonly string[] | undefined,
): Promise<Record<string, Value>> {
  sizesOf(graph, feeds);
  const tensors: Record<string, OrtTensor> = {};
  for (const { attributes } of graph.inputs) tensors[attributes.name] = toOrt(feeds[attributes.name]!);
  const fetches = outputs ?? [...graph.outputs.keys()];
  const results = await session.run(tensors, fetches, { logSeverityLevel: SILENT }).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new IllustriousError("engine_failed", `ONNX Runtime cannot run the graph: ${why}`, undefined, { cause });
  });
  return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, fromOrt(tensor)]));
}

function toOrt({ data, shape }: Value): OrtTensor {
  if (data instanceof BigInt64Array) return new OrtTensor("int64", data, [...shape]);
  return new OrtTensor("float32", data instanceof Float32Array ? data : Float32Array.from(data), [...shape]);
}

function fromOrt(tensor: OrtTensor): Value {
  return { data: tensor.data as Float32Array | BigInt64Array, shape: tensor.dims };
}
