/** @file What a checkpoint was trained on as a noise table and a prediction type, with the user's word above the file's. */

import { IllustriousError } from "../base/error.ts";
import type { Detection, TrainedSchedule } from "../models/sdxl/prediction.ts";
import {
  BETA_CURVES,
  betas,
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
      return flowTable({ shift: shift ?? detection.schedule?.shift ?? 1 });
    case "edm_v":
      return edmTable({
        ...(sigmaMin && { sigmaMin }),
        ...(sigmaMax && { sigmaMax }),
        ...(sigmaData && { sigmaData }),
      });
    case "eps":
    case "v": {
      const chosen: ZeroSnr = zeroSnr === "auto" ? detection.zeroSnr && "exact" : zeroSnr !== "off" && zeroSnr;
      const levels = trainedLevels(detection);
      return discreteTable({ ...levels, ...(shift !== undefined && { shift }), zeroSnr: chosen, rounding });
    }
  }
}

/** What a model was trained on: the usual levels with a factor on their sigmas, or others by their betas. */
export type TrainedLevels = { readonly shift: number; readonly betas?: readonly number[] };

/** @throws IllustriousError `unsupported` for a curve that is not built */
export function trainedLevels({ prediction, schedule = {}, zeroSnr }: TrainedOn): TrainedLevels {
  const { shift, trainedBetas } = schedule;
  if (prediction === "flow" || prediction === "edm_v") return { shift: shift ?? 1 };
  if (trainedBetas) return levelsOfBetas(trainedBetas, zeroSnr, shift);
  const betas = betasOfCurve(schedule);
  return { shift: shift ?? 1, ...(betas && { betas }) };
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

/** The betas of a curve that is not SDXL's. */
function betasOfCurve(schedule: TrainedSchedule): readonly number[] | undefined {
  const {
    betaStart = 0.00085,
    betaEnd = 0.012,
    betaSchedule = "scaled_linear",
    trainTimesteps: levels = 1000,
  } = schedule;
  const betaCurve = BETA_CURVES.find((curve) => curve === betaSchedule);
  // A noise process that is not built must not be taken for SDXL's.
  if (!betaCurve) {
    const hint = `Only ${BETA_CURVES.join(", ")} and trained_betas are understood; correct the field if it is wrong.`;
    throw new IllustriousError(
      "unsupported",
      `the checkpoint's scheduler_config.json has beta_schedule ${betaSchedule}`,
      hint,
    );
  }
  if (betaCurve === "scaled_linear" && betaStart === 0.00085 && betaEnd === 0.012 && levels === 1000) return undefined;
  return Array.from(betas({ betaStart, betaEnd, betaCurve, levels }));
}
