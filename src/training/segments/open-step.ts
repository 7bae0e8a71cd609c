/** @file A step's sessions: of its whole graph, one or one a thread, or in segments where the whole does not fit. */

import { weightBytes } from "../../runtime/memory.ts";
import { openAll, type Runtime, type Session, type Values } from "../../runtime/runtime.ts";
import { sizesOf } from "../../runtime/sizes.ts";
import type { Weights } from "../../runtime/weights.ts";
import type { Crew } from "../crew/crew.ts";
import type { StepGraph } from "../learner/step-graph.ts";
import { openSegments } from "./segment-sessions.ts";
import { segmented } from "./segmented.ts";

/** `auto` counts at the first batch, when sizes are known, what the whole graph would take. */
export type SegmentsChoice = "off" | "on" | "auto";

/** What the choice has come to; undefined until `auto` has counted. */
export type Segmentation = Exclude<SegmentsChoice, "auto"> | undefined;

export type StepSession = Session & { readonly segments: Segmentation };

export type StepParts = { readonly sessions: readonly Session[]; readonly segments: Segmentation };

/** Sessions that run beside each other, each with a part of the batch, and who puts their parts together. */
export type Replicas = { readonly count: number; readonly runtime: Runtime; readonly crew: Crew };

export type OpenStepOptions = {
  /** For networks that are small enough. */
  readonly replicas?: Replicas;
  /** `off` if not given. */
  readonly segments?: SegmentsChoice;
  /** Bytes that the step may take; by default what the system has left. */
  readonly memory?: number;
};

/** Bytes of a step's parameters and weights up to which each part of a batch gets a session: with what it computes on the way some gigabytes. */
const SMALL = 2 ** 28;

/** As many as there are parts of a batch to run beside each other (`src/training/replicas.ts`). */
export async function openStepParts(
  runtime: Runtime,
  step: StepGraph,
  weights: Weights,
  { replicas, ...options }: OpenStepOptions = {},
): Promise<StepParts> {
  const trained = [...step.parameters.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const small = 4 * trained + weightBytes(step.graph, weights).float32 <= SMALL;
  if (!replicas || !small || options.segments === "on") {
    const session = await openStep(runtime, step, weights, options);
    return {
      sessions: [session],
      get segments() {
        return session.segments;
      },
    };
  }
  const sessions = await openAll(
    Array.from({ length: replicas.count }, () => replicas.runtime.open(step.graph, weights, { lendsOutputs: true })),
  );
  return { sessions, segments: "off" };
}

/** Either way the same inputs, and the same outputs to rounding: segments compute a fourth to a third more. */
export async function openStep(
  runtime: Runtime,
  step: StepGraph,
  weights: Weights,
  { segments = "off", memory = process.availableMemory() }: OpenStepOptions = {},
): Promise<StepSession> {
  const whole = () => runtime.open(step.graph, weights);
  const cut = () => openSegments(runtime, segmented(step), weights, memory);
  if (segments === "off") return { ...(await whole()), segments };
  if (segments === "on") return { ...cut(), segments };
  let session: Session | undefined;
  let chosen: Segmentation;
  return {
    async run(feeds: Values, outputs) {
      if (!session) {
        const { opening, open } = runtime.footprint(step.graph, weights, sizesOf(step.graph, feeds), { memory });
        chosen = Math.max(opening, open) <= memory ? "off" : "on";
        session = chosen === "off" ? await whole() : cut();
      }
      return session.run(feeds, outputs);
    },
    release: async () => session?.release(),
    get segments() {
      return chosen;
    },
  };
}
