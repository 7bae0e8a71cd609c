/**
 * @file The one interface of all runtimes: a graph and where its weights lie become a session; a session turns values
 * into values. ONNX Runtime does it fast; the reference interpreter does it in float64, as the second opinion.
 */

import type { Sizes } from "../graph/dim.ts";
import type { Graph } from "../graph/graph.ts";
import type { Weights } from "./weights.ts";

/** Numbers in row-major order. The reference runtime takes and gives float64 for f32 tensors. */
export type Value = {
  readonly data: Float32Array | Float64Array | BigInt64Array;
  readonly shape: readonly number[];
};

export type Values = Readonly<Record<string, Value>>;

export type Session = {
  /** Feeds every input of the graph; gives every output, or only those named. */
  run(feeds: Values, outputs?: readonly string[]): Promise<Record<string, Value>>;
  /** Gives the memory back. The session must not be used after. */
  release(): Promise<void>;
};

/** Bytes of memory. */
export type Footprint = {
  /** The most while the session is being opened. */
  readonly opening: number;
  /** From then on, with what runs at the given sizes compute on the way. */
  readonly open: number;
  /** Between runs, if what they compute on the way is given back. */
  readonly resting: number;
};

/** For one of several sessions that are open together and run in turn. */
export type OpenOptions = {
  /** Bytes that this one may take; by default all that the runtime may. */
  readonly memory?: number;
  /** What a run computes on the way is given back after it, and not kept for the next. */
  readonly givesBack?: boolean;
  /** What a run gives may lie in memory that the next run writes anew. */
  readonly lendsOutputs?: boolean;
};

export type Runtime = {
  /** With its version and what it runs on: what a picture's record says it was made by. */
  readonly name: string;
  /** What a session will take, before anything is loaded. */
  footprint(graph: Graph, weights: Weights, sizes: Sizes, options?: OpenOptions): Footprint;
  open(graph: Graph, weights: Weights, options?: OpenOptions): Promise<Session>;
};

export function float32(data: Float32Array, shape: readonly number[]): Value {
  return { data, shape };
}

export function int64(data: Iterable<number>, shape: readonly number[]): Value {
  return { data: BigInt64Array.from(data, BigInt), shape };
}

/** All of them or none: where one does not open, the others are closed again. */
export async function openAll(opening: readonly Promise<Session>[]): Promise<Session[]> {
  const settled = await Promise.allSettled(opening);
  const sessions = settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = settled.find((result) => result.status === "rejected");
  if (!failed) return sessions;
  await releaseAll(sessions);
  throw failed.reason;
}

/** All of them, whatever becomes of one. */
export async function releaseAll(sessions: readonly Session[]): Promise<void> {
  await Promise.allSettled(sessions.map((session) => session.release()));
}
