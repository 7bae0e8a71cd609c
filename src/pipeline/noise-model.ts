/** @file What a checkpoint was trained on as a noise table and a prediction type, with the user's word above the file's. */

import { IllustriousError } from "../base/error.ts";
import type { Detection, TrainedSchedule } from "../models/sdxl/prediction.ts";
import {
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
  const { prediction, schedule = {}, sigmaMin, sigmaMax, sigmaData } = detection;
  switch (prediction) {
    case "flow":
      return flowTable({ shift: shift ?? schedule.shift ?? 1 });
    case "edm_v":
      return edmTable({
        ...(sigmaMin && { sigmaMin }),
        ...(sigmaMax && { sigmaMax }),
        ...(sigmaData && { sigmaData }),
      });
    case "eps":
    case "v": {
      const chosen: ZeroSnr = zeroSnr === "auto" ? detection.zeroSnr && "exact" : zeroSnr !== "off" && zeroSnr;
      return discreteTable({ ...levelsOf(schedule, detection.zeroSnr, shift), zeroSnr: chosen, rounding });
    }
  }
}

/** @param shift what the user says of it */
function levelsOf(schedule: TrainedSchedule, zeroSnr: boolean, shift: number | undefined): DiscreteOptions {
  const own = shiftOf(schedule, zeroSnr);
  const factor = { shift: shift ?? own ?? 1 };
  if (schedule.trainedBetas) return own === undefined ? { betas: schedule.trainedBetas, ...factor } : factor;
  refuseUnknownCurve(schedule);
  return {
    ...(schedule.betaStart !== undefined && { betaStart: schedule.betaStart }),
    ...(schedule.betaEnd !== undefined && { betaEnd: schedule.betaEnd }),
    ...(schedule.betaSchedule === "linear" && { betaCurve: "linear" }),
    ...(schedule.trainTimesteps !== undefined && { levels: schedule.trainTimesteps }),
    ...factor,
  };
}

/**
 * The factor on SDXL's sigmas that a scheduler for eps or v means. Where it lists its betas they are what diffusers goes by,
 * and a factor beside them is only believed if they agree.
 *
 * @returns undefined where the betas are another schedule's
 */
export function shiftOf({ shift, trainedBetas }: TrainedSchedule, zeroSnr: boolean): number | undefined {
  return trainedBetas ? shiftOfBetas(trainedBetas, zeroSnr, shift) : (shift ?? 1);
}

/** A noise process that is not built must not be sampled as if it were SDXL's. */
function refuseUnknownCurve({ betaSchedule = "scaled_linear" }: TrainedSchedule): void {
  if (betaSchedule === "scaled_linear" || betaSchedule === "linear") return;
  throw new IllustriousError(
    "unsupported",
    `the checkpoint's scheduler_config.json has beta_schedule ${betaSchedule}`,
    "Only scaled_linear, linear and trained_betas can be sampled; correct the field if it is wrong.",
  );
}
