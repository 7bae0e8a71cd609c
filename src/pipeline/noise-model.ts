/** @file What a checkpoint was trained on as a noise table and a prediction type, with the user's word above the file's. */

import { IllustriousError } from "../base/error.ts";
import type { Detection, TrainedSchedule } from "../models/sdxl/prediction.ts";
import {
  discreteTable,
  edmTable,
  flowTable,
  type NoiseTable,
  type Prediction,
  predictionFor,
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
  const factor = shift ?? schedule.shift ?? 1;
  switch (prediction) {
    case "flow":
      return flowTable({ shift: factor });
    case "edm_v":
      return edmTable({
        ...(sigmaMin && { sigmaMin }),
        ...(sigmaMax && { sigmaMax }),
        ...(sigmaData && { sigmaData }),
      });
    case "eps":
    case "v": {
      refuseUnknownBetas(schedule);
      const chosen: ZeroSnr = zeroSnr === "auto" ? detection.zeroSnr && "exact" : zeroSnr !== "off" && zeroSnr;
      return discreteTable({
        ...(schedule.betaStart !== undefined && { betaStart: schedule.betaStart }),
        ...(schedule.betaEnd !== undefined && { betaEnd: schedule.betaEnd }),
        ...(schedule.betaSchedule === "linear" && { betaCurve: "linear" }),
        ...(schedule.trainTimesteps !== undefined && { levels: schedule.trainTimesteps }),
        zeroSnr: chosen,
        shift: factor,
        rounding,
      });
    }
  }
}

/** A noise process that is not built must not be sampled as if it were SDXL's. */
function refuseUnknownBetas({ betaSchedule = "scaled_linear", trainedBetas }: TrainedSchedule): void {
  const known = betaSchedule === "scaled_linear" || betaSchedule === "linear";
  if (known && !trainedBetas) return;
  const what = trainedBetas ? "trained_betas" : `beta_schedule ${betaSchedule}`;
  throw new IllustriousError(
    "unsupported",
    `the checkpoint's scheduler_config.json has ${what}`,
    "Only scaled_linear and linear betas can be sampled; remove the field if it is wrong.",
  );
}
