/** @file Learning rate schedules under the names that kohya's trainers and diffusers give them. */

import { IllustriousError } from "../../base/error.ts";

export type LearningRateKind =
  | "constant"
  | "constant_with_warmup"
  | "linear"
  | "cosine"
  | "cosine_with_restarts"
  | "polynomial";

export type LearningRateSchedule = {
  kind: LearningRateKind;
  /** The learning rate at its highest. */
  peak: number;
  /** Steps over which it rises evenly from 0. Default 0. */
  warmupSteps?: number;
  /** Steps of the whole run, warm-up among them. All but the constant kinds need it. */
  totalSteps?: number;
  /** How often "cosine_with_restarts" falls to 0. Loshchilov and Hutter (2017), "SGDR". Default 1. */
  cycles?: number;
  /** The exponent of "polynomial". Default 1. */
  power?: number;
  /** Where "polynomial" ends. Default 1e-7. */
  end?: number;
};

/** The learning rate of step `step`, counted from 0; with warm-up the first step's is 0. */
export function learningRateAt(schedule: LearningRateSchedule, step: number): number {
  const { kind, peak, warmupSteps = 0, totalSteps = 0, cycles = 1, power = 1, end = 1e-7 } = schedule;
  if (step < warmupSteps) return (peak * step) / warmupSteps;
  if (kind === "constant" || kind === "constant_with_warmup") return peak;
  const done = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  if (kind === "polynomial") return done >= 1 ? end : (peak - end) * (1 - done) ** power + end;
  if (done >= 1) return 0;
  if (kind === "linear") return peak * (1 - done);
  const turn = kind === "cosine" ? done : (done * cycles) % 1;
  return (peak * (1 + Math.cos(Math.PI * turn))) / 2;
}

export function checkLearningRate(schedule: LearningRateSchedule): void {
  const { kind, peak, warmupSteps = 0, totalSteps = 0, cycles = 1 } = schedule;
  const refuse = (message: string, hint: string) => {
    throw new IllustriousError("bad_option", message, hint);
  };
  if (!(peak >= 0 && Number.isFinite(peak))) refuse(`learning rate ${peak}`, "Needs a number >= 0.");
  if (!(warmupSteps >= 0)) refuse(`warm-up of ${warmupSteps} steps`, "Needs a number >= 0; 0 is none.");
  if (kind === "constant" && warmupSteps > 0) {
    refuse(`a constant learning rate with ${warmupSteps} steps of warm-up`, "That is constant_with_warmup.");
  }
  if (kind !== "constant" && kind !== "constant_with_warmup" && !(totalSteps > warmupSteps)) {
    refuse(
      `learning rate ${kind} over ${totalSteps} steps, ${warmupSteps} of them warm-up`,
      "Give totalSteps, more than the warm-up takes.",
    );
  }
  if (!(Number.isInteger(cycles) && cycles > 0)) refuse(`${cycles} cycles`, "Needs a whole number > 0.");
}
