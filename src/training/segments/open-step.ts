/** @file A step's session: of its whole graph, or in segments where the whole does not fit. */

import type { Runtime, Session, Values } from "../../runtime/runtime.ts";
import { sizesOf } from "../../runtime/sizes.ts";
import type { Weights } from "../../runtime/weights.ts";
import type { StepGraph } from "../learner/step-graph.ts";
import { openSegments } from "./segment-sessions.ts";
import { segmented } from "./segmented.ts";

/** `auto` counts at the first batch, when sizes are known, what the whole graph would take. */
export type SegmentsChoice = "off" | "on" | "auto";

export type OpenStepOptions = {
  /** `off` if not given. */
  readonly segments?: SegmentsChoice;
  /** Bytes that the step may take; by default what the system has left. */
  readonly memory?: number;
};

/** Either way the same inputs, and the same outputs to rounding: segments compute a fourth to a third more. */
export async function openStep(
  runtime: Runtime,
  step: StepGraph,
  weights: Weights,
  { segments = "off", memory = process.availableMemory() }: OpenStepOptions = {},
): Promise<Session> {
  const whole = () => runtime.open(step.graph, weights);
  const cut = () => openSegments(runtime, segmented(step), weights, memory);
  if (segments === "off") return whole();
  if (segments === "on") return cut();
  let session: Session | undefined;
  return {
    async run(feeds: Values, outputs) {
      if (!session) {
        const { opening, open } = runtime.footprint(step.graph, weights, sizesOf(step.graph, feeds), { memory });
        session = Math.max(opening, open) <= memory ? await whole() : cut();
      }
      return session.run(feeds, outputs);
    },
    release: async () => session?.release(),
  };
}
