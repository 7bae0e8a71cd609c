/** @file Sessions of ONNX Runtime. A run blocks its thread until it is done: call this only in a process made for it. */

import { realpath } from "node:fs/promises";
import { cpus } from "node:os";
import { env } from "onnxruntime-node";
import { writeOnnx } from "../../formats/onnx/write.ts";
import type { Graph } from "../../graph/graph.ts";
import { weightBytes } from "../memory.ts";
import type { OpenOptions, Runtime, Session } from "../runtime.ts";
import { sizesOf } from "../sizes.ts";
import type { WeightSource, Weights } from "../weights.ts";
import { findBlock } from "./blocked-convolution.ts";
import { createSession, type EmittedGraph } from "./create.ts";
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
  return runtimeWith(options, createSession);
}

/** Opens what a graph was written as, here or elsewhere. */
export type OpenEmitted = (emitted: EmittedGraph, options: OnnxOptions & OpenOptions) => Promise<Session>;

export function runtimeWith(options: OnnxOptions, openEmitted: OpenEmitted): Runtime {
  const { memory = process.availableMemory() } = options;
  return {
    name: engineName(),
    footprint: (graph, weights, sizes, own) => footprintOf(graph, weights, sizes, own?.memory ?? memory),
    async open(graph, weights, own) {
      const all = { ...options, memory, ...own };
      const session = await openEmitted(await emitted(graph, weights, all), all);
      return {
        async run(feeds, outputs) {
          sizesOf(graph, feeds);
          return session.run(feeds, outputs);
        },
        release: () => session.release(),
      };
    },
  };
}

/** What decides the last bits of a result: the runtime's version, its provider and the processor's class. */
function engineName(): string {
  return `onnxruntime-node ${env.versions.node}, cpu, ${cpus()[0]?.model.trim() ?? process.arch}`;
}

async function emitted(
  graph: Graph,
  weights: Weights,
  options: OnnxOptions & { memory: number },
): Promise<EmittedGraph> {
  const used = await withRealPaths(graph, weights);
  const folder = commonFolder([...used.values()].map(({ path }) => path));
  const { float32, again } = weightBytes(graph, weights);
  const folded = float32 + again.matrices + again.kernels;
  const residency = options.residency ?? chooseResidency(folded, options.memory);
  const block = hasChangingKernel(graph) ? await channelBlock() : undefined;
  return written(graph, used, folder, residency, block);
}

function written(graph: Graph, used: Weights, folder: string, residency: Residency, block?: number): EmittedGraph {
  return {
    bytes: writeOnnx(emitOnnx(graph, used, folder, residency, block)),
    folder,
    inputs: graph.inputs.map(({ attributes }) => attributes.name),
    outputs: [...graph.outputs.keys()],
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
    const trial = written(graph, new Map(), "", "folded", block);
    const session = await createSession(trial, { threads: 1 });
    const results = await session.run(feeds);
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
