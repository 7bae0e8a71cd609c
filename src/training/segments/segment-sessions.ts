/**
 * @file A step in segments, as one session: each segment is a session of the runtime's, and what passes between them lies
 * with the host. Segments that memory has room for stay open from step to step; the others are opened anew for each run.
 */

import { upstreamName } from "../../autodiff/gradients.ts";
import { type Graph, graphOf } from "../../graph/graph.ts";
import { weightBytes } from "../../runtime/memory.ts";
import {
  float32,
  type OpenOptions,
  type Runtime,
  type Session,
  type Value,
  type Values,
} from "../../runtime/runtime.ts";
import { sizesOf } from "../../runtime/sizes.ts";
import type { Weights } from "../../runtime/weights.ts";
import { gradientName } from "../learner/step-graph.ts";
import type { Segmented } from "./segmented.ts";

/** Of the memory given, what sessions may hold; the rest is for the host's tensors, the optimiser and the page cache. */
const SHARE = 0.8;

/**
 * Takes and gives what a session of the step's whole graph would.
 *
 * @param memory bytes that all segments together may take
 */
export function openSegments(
  runtime: Runtime,
  { inputs, outputs, segments }: Segmented,
  weights: Weights,
  memory: number = process.availableMemory(),
): Session {
  const graphs = segments.flatMap(({ forward, backward }) =>
    [forward, backward].filter((graph) => graph !== undefined),
  );
  const options = shares(graphs, weights, SHARE * memory);
  const open = new Map<Graph, Session>();
  let kept: ReadonlySet<Graph> | undefined;

  async function runOne(graph: Graph, feeds: Values): Promise<Record<string, Value>> {
    const session = open.get(graph) ?? (await runtime.open(graph, weights, options.get(graph)!));
    if (kept!.has(graph)) open.set(graph, session);
    try {
      return await session.run(feeds);
    } finally {
      if (!open.has(graph)) await session.release();
    }
  }

  async function run(feeds: Values, wanted?: readonly string[]): Promise<Record<string, Value>> {
    const whole = { ...graphOf({}), inputs };
    // A size that does not fit must be found before an hour of work, and by the names that the caller knows.
    const sizes = sizesOf(whole, feeds);
    kept ??= staying(graphs, (graph) => runtime.footprint(graph, weights, sizes, options.get(graph)!), SHARE * memory);
    const between = new Map<string, Value>(Object.entries(feeds));
    const results: Record<string, Value> = {};
    const give = (given: Record<string, Value>, otherwise: (name: string, value: Value) => void) => {
      for (const [name, value] of Object.entries(given)) {
        if (outputs.has(name)) results[name] = value;
        else otherwise(name, value);
      }
    };
    for (const { forward } of segments) {
      if (forward) give(await runOne(forward, Object.fromEntries(between)), (name, value) => between.set(name, value));
    }
    const gradients = new Map<string, Value>([[gradientName("loss"), float32(Float32Array.of(1), [])]]);
    for (const { backward, passesOn } of segments.toReversed()) {
      // A loss alone is known before the way back.
      if (wanted?.every((name) => results[name])) break;
      if (backward) {
        const upstream = ["loss", ...passesOn].flatMap((name): [string, Value][] => {
          const d = gradients.get(gradientName(name));
          return d ? [[upstreamName(name), d]] : [];
        });
        const given = await runOne(backward, Object.fromEntries([...between, ...upstream]));
        give(given, (name, d) => gradients.set(name, sum(gradients.get(name), d)));
      }
      for (const name of passesOn) {
        between.delete(name);
        gradients.delete(gradientName(name));
      }
    }
    gradients.delete(gradientName("loss"));
    const all = { ...results, ...Object.fromEntries(gradients) };
    return wanted ? Object.fromEntries(wanted.map((name) => [name, all[name]!])) : all;
  }

  return {
    run,
    async release() {
      for (const session of open.values()) await session.release();
      open.clear();
    },
  };
}

/** In proportion to their weights, so that either all can be folded or none. */
function shares(graphs: readonly Graph[], weights: Weights, memory: number): Map<Graph, OpenOptions> {
  const bytes = graphs.map((graph) => {
    const { float32: once, again } = weightBytes(graph, weights);
    return once + again.matrices + again.kernels;
  });
  const all = bytes.reduce((a, b) => a + b, 0);
  return new Map(
    graphs.map((graph, i) => [graph, { memory: all > 0 ? (memory * bytes[i]!) / all : memory, givesBack: true }]),
  );
}

type FootprintOf = (graph: Graph) => ReturnType<Runtime["footprint"]>;

/** Those that may stay open while any other runs. */
function staying(graphs: readonly Graph[], footprintOf: FootprintOf, memory: number): Set<Graph> {
  const footprints = graphs.map((graph) => [graph, footprintOf(graph)] as const);
  const room = Math.max(0, ...footprints.map(([, { opening, open, resting }]) => Math.max(opening, open) - resting));
  let left = memory - room;
  const staying = new Set<Graph>();
  for (const [graph, { resting }] of footprints) {
    if (resting > left) continue;
    left -= resting;
    staying.add(graph);
  }
  return staying;
}

/** A new array: runtimes may give the same one under two names. */
function sum(before: Value | undefined, { data, shape }: Value): Value {
  if (!before) return { data, shape };
  return { data: (data as Float32Array).map((value, i) => value + Number(before.data[i])), shape };
}
