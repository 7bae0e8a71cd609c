/**
 * @file What a checkpoint predicts, gathered from everything that says so: marker tensors, metadata of four conventions,
 * a diffusers scheduler and names. Sources disagree in the wild, so each piece of evidence is kept with its weight, and
 * what lost is reported beside what won.
 *
 * Nothing in a rectified-flow SDXL file marks it as such unless a trainer wrote metadata; then only its name tells.
 */

import {
  type Claim,
  type Clues,
  type Evidence,
  evidence,
  evidenceOf,
  type Prediction,
  processOf,
  refuseScheduler,
  WEIGHT,
} from "./prediction-evidence.ts";

export type { Claim, Clues, Evidence, Prediction } from "./prediction-evidence.ts";

/** What a diffusers scheduler says of the noise schedule and of how to step through it. */
export type TrainedSchedule = {
  readonly betaStart?: number;
  readonly betaEnd?: number;
  readonly betaSchedule?: string;
  readonly trainedBetas?: readonly number[];
  readonly trainTimesteps?: number;
  readonly timestepSpacing?: string;
  /** Of a flow-matching scheduler. */
  readonly shift?: number;
};

export type Detection = {
  readonly prediction: Prediction;
  /** The last timestep was trained as pure noise. False where the question has no meaning (`edm_v`, `flow`). */
  readonly zeroSnr: boolean;
  /** Of `edm_v` only, ComfyUI's defaults where the file has none. */
  readonly sigmaMax?: number;
  readonly sigmaMin?: number;
  readonly sigmaData?: number;
  readonly schedule?: TrainedSchedule;
  readonly confidence: "certain" | "likely" | "guess";
  /** Strongest first. */
  readonly evidence: readonly Evidence[];
  /** Disagreements, each with what won and why, and schedules that contradict themselves. */
  readonly conflicts: readonly string[];
};

/**
 * @param override what the user says; it wins, and is recorded as evidence
 * @throws IllustriousError `unsupported` where a scheduler says what cannot be sampled and the user does not overrule it
 */
export function detectPrediction(clues: Clues, override: Claim = {}): Detection {
  if (override.prediction === undefined) refuseScheduler(clues.scheduler);
  const all = evidenceOf(clues);
  if (override.prediction !== undefined || override.zeroSnr !== undefined)
    all.push(evidence("override", WEIGHT.override, override));
  all.sort((a, b) => b.weight - a.weight);

  const conflicts: string[] = [];
  const predicted = strongest(all, "prediction", conflicts)!;
  const prediction = predicted.claim.prediction!;
  const zero = prediction === "v" || prediction === "eps" ? strongest(all, "zeroSnr", conflicts) : undefined;
  let zeroSnr = zero?.claim.zeroSnr ?? false;
  if (zeroSnr && prediction === "eps" && zero!.weight < WEIGHT.override) {
    conflicts.push(`${zero!.source} says zero SNR, for which eps has no answer at the last timestep: ignored`);
    zeroSnr = false;
  }
  const schedule = isAnotherProcess(clues.scheduler?.json, prediction) ? undefined : scheduleOf(clues.scheduler?.json);
  if (zeroSnr && schedule?.timestepSpacing === "leading")
    conflicts.push(
      `${clues.scheduler!.source}: timestep_spacing leading never visits the last timestep, for which zero SNR was ` +
        "trained; trailing is meant",
    );
  return {
    prediction,
    zeroSnr,
    ...(prediction === "edm_v" && sigmasOf(clues)),
    ...(schedule && { schedule }),
    confidence: confidenceOf(all, predicted, zero),
    evidence: all,
    conflicts,
  };
}

/** Of a model that predicts v, for which zero SNR decides over contrast; that a mark is absent says little. */
export function isZeroSnrUnknown({ prediction, evidence }: Detection): boolean {
  return (
    prediction === "v" && !evidence.some(({ claim, weight }) => claim.zeroSnr !== undefined && weight > WEIGHT.absence)
  );
}

type Question = "prediction" | "zeroSnr";

/** The strongest evidence on one question; those that say otherwise are added to `conflicts`. */
function strongest(sorted: readonly Evidence[], about: Question, conflicts: string[]): Evidence | undefined {
  const winner = sorted.find((e) => e.claim[about] !== undefined);
  for (const loser of sorted) {
    if (!winner || loser.weight <= WEIGHT.absence || !differs(loser, winner, about)) continue;
    const why = loser.weight < winner.weight ? "which is believed more" : "which is as strong and comes first";
    conflicts.push(`${loser.source} says ${loser.says}, but ${winner.source} says ${winner.says}, ${why}`);
  }
  return winner;
}

function differs(a: Evidence, b: Evidence, about: Question): boolean {
  return a.claim[about] !== undefined && a.claim[about] !== b.claim[about];
}

function confidenceOf(all: readonly Evidence[], predicted: Evidence, zero?: Evidence): Detection["confidence"] {
  const disputed = (about: Question, winner: Evidence) =>
    all.some((e) => e.weight >= WEIGHT.training && differs(e, winner, about));
  if (predicted.weight >= WEIGHT.override) return "certain";
  // With no evidence at all it is eps, as nearly every SDXL file is; a name alone is worse than none.
  if (predicted.weight <= WEIGHT.name) return predicted.weight === WEIGHT.family ? "likely" : "guess";
  if (disputed("prediction", predicted)) return predicted.weight >= WEIGHT.marker ? "likely" : "guess";
  if (predicted.weight < WEIGHT.marker) return "likely";
  if (predicted.claim.prediction !== "v") return "certain";
  const zeroKnown = zero !== undefined && zero.weight >= WEIGHT.training && !disputed("zeroSnr", zero);
  return zeroKnown ? "certain" : "likely";
}

/** CosXL's continuous noise levels: from the marker tensors, else from an EDM scheduler, else ComfyUI's defaults. */
function sigmasOf({ scalars, scheduler }: Clues): { sigmaMax: number; sigmaMin: number; sigmaData: number } {
  const json = (scheduler?.json ?? {}) as Record<string, unknown>;
  const pick = (marker: string, field: string, fallback: number) =>
    scalars.get(marker) ?? numberIn(json, field) ?? fallback;
  return {
    sigmaMax: pick("edm_vpred.sigma_max", "sigma_max", 120),
    sigmaMin: pick("edm_vpred.sigma_min", "sigma_min", 0.002),
    sigmaData: numberIn(json, "sigma_data") ?? 1,
  };
}

/** Whether levels are those of rectified flow or of EDM, where the model was said to be neither. */
function isAnotherProcess(json: unknown, prediction: Prediction): boolean {
  return (prediction === "eps" || prediction === "v") && processOf(json) !== "";
}

function scheduleOf(json: unknown): TrainedSchedule | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const record = json as Record<string, unknown>;
  const schedule: { -readonly [K in keyof TrainedSchedule]: TrainedSchedule[K] } = {};
  const numbers = {
    betaStart: "beta_start",
    betaEnd: "beta_end",
    trainTimesteps: "num_train_timesteps",
    shift: "shift",
  };
  for (const [key, field] of Object.entries(numbers)) {
    const value = numberIn(record, field);
    if (value !== undefined) schedule[key as keyof typeof numbers] = value;
  }
  if (typeof record.beta_schedule === "string") schedule.betaSchedule = record.beta_schedule;
  if (typeof record.timestep_spacing === "string") schedule.timestepSpacing = record.timestep_spacing;
  const betas = record.trained_betas;
  if (Array.isArray(betas) && betas.every((b): b is number => typeof b === "number")) schedule.trainedBetas = betas;
  return Object.keys(schedule).length > 0 ? schedule : undefined;
}

function numberIn(record: Record<string, unknown>, field: string): number | undefined {
  const value = record[field];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
