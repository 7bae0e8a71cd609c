/** @file What a checkpoint was trained on as a noise table and a prediction type, with the user's word above the file's. */

import { IllustriousError } from "../base/error.ts";
import type { Detection, TrainedSchedule } from "../models/sdxl/prediction.ts";
import {
  BETA_CURVES,
  betas,
  type DiscreteOptions,
  discreteTable,
  edmTable,
  flowTable,
  type NoiseTable,
  type Prediction,
  predictionFor,
  shiftOfBetas,
  type TimeRounding,
  type ZeroSnr,
} from "../sampling/index.ts";

export type NoiseChoices = {
  readonly zeroSnr: "auto" | "off" | "exact" | "comfyui" | "diffusers";
  readonly shift?: number | undefined;
  readonly rounding: TimeRounding;
};

export type NoiseModel = { readonly table: NoiseTable; readonly prediction: Prediction };

export function noiseModelOf(detection: Detection, choices: NoiseChoices): NoiseModel {
  const table = tableOf(detection, choices);
  return { table, prediction: predictionFor(detection.prediction, table) };
}

function tableOf(detection: Detection, { zeroSnr, shift, rounding }: NoiseChoices): NoiseTable {
  const { prediction, sigmaMin, sigmaMax, sigmaData } = detection;
  switch (prediction) {
    case "flow":
      return flowTable({ shift: shift ?? levelsToFollow(detection).shift });
    case "edm_v":
      return edmTable({
        ...(sigmaMin && { sigmaMin }),
        ...(sigmaMax && { sigmaMax }),
        ...(sigmaData && { sigmaData }),
      });
    case "eps":
    case "v": {
      const chosen: ZeroSnr = zeroSnr === "auto" ? detection.zeroSnr && "exact" : zeroSnr !== "off" && zeroSnr;
      const levels = levelsToFollow(detection);
      return discreteTable({ ...levels, ...(shift !== undefined && { shift }), zeroSnr: chosen, rounding });
    }
  }
}

/** What a model was trained on: the usual levels with a factor on their sigmas, or others by their betas. */
export type TrainedLevels = { readonly shift: number; readonly betas?: readonly number[] };

/** @returns undefined for a curve that is not built */
export function trainedLevels({ prediction, schedule = {}, zeroSnr }: TrainedOn): TrainedLevels | undefined {
  const { shift, trainedBetas } = schedule;
  if (prediction === "flow" || prediction === "edm_v") return { shift: shift ?? 1 };
  if (trainedBetas) return levelsOfBetas(trainedBetas, zeroSnr, shift);
  const curve = curveOf(schedule);
  if (!curve) return undefined;
  const [own, usual] = [Array.from(betas(curve)), betas()];
  const isUsual = own.length === usual.length && own.every((beta, level) => beta === usual[level]);
  return { shift: shift ?? 1, ...(!isUsual && { betas: own }) };
}

/**
 * The same where it must be known: a noise process that is not built must not be taken for SDXL's.
 *
 * @throws IllustriousError `unsupported`
 */
export function levelsToFollow(trained: TrainedOn): TrainedLevels {
  const levels = trainedLevels(trained);
  if (levels) return levels;
  throw new IllustriousError(
    "unsupported",
    `the checkpoint's scheduler_config.json has beta_schedule ${trained.schedule?.betaSchedule}`,
    `Only ${BETA_CURVES.join(", ")} and trained_betas are understood; correct the field if it is wrong.`,
  );
}

/**
 * Of a list, which diffusers goes by whatever else a scheduler for eps or v says: a factor beside it is only believed if they
 * agree.
 */
export function levelsOfBetas(betas: readonly number[], zeroSnr: boolean, said?: number): TrainedLevels {
  const shift = shiftOfBetas(betas, zeroSnr, said);
  return shift === undefined ? { shift: 1, betas } : { shift };
}

type TrainedOn = Pick<Detection, "prediction" | "schedule" | "zeroSnr">;

/** As much as the scheduler says of its curve; the rest is SDXL's. */
function curveOf({
  betaStart,
  betaEnd,
  betaSchedule,
  trainTimesteps: levels,
}: TrainedSchedule): DiscreteOptions | undefined {
  const betaCurve = BETA_CURVES.find((curve) => curve === (betaSchedule ?? "scaled_linear"));
  return (
    betaCurve && {
      betaCurve,
      ...(betaStart !== undefined && { betaStart }),
      ...(betaEnd !== undefined && { betaEnd }),
      ...(levels !== undefined && { levels }),
    }
  );
}
