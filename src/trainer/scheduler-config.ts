/** @file What a model was trained to answer, on which noise, as diffusers' `scheduler_config.json`. */

import { betasOfSigmas, discreteTable } from "../sampling/index.ts";
import type { Recipe } from "../training/plan.ts";

export type TrainedSchedule = {
  readonly prediction: "eps" | "v" | "flow";
  readonly zeroSnr: boolean;
  /** Factor on SDXL's sigmas. */
  readonly shift: number;
  /** The levels, where they are none of SDXL's by a factor. */
  readonly betas?: readonly number[];
};

export function trainedSchedule({ prediction, table }: Pick<Recipe, "prediction" | "table">): TrainedSchedule {
  const { zeroSnr, shift, isListed, sigmas } = table;
  const levels = isListed ? { shift: 1, betas: betasOfSigmas(sigmas) } : { shift };
  return { prediction, zeroSnr: zeroSnr !== false, ...levels };
}

/**
 * A shifted schedule is told twice: `shift` by its factor, which diffusers knows of flow matching only, and `trained_betas` by
 * the levels themselves, which it goes by in place of the curve. With zero SNR they end in 1: diffusers rescales them to what
 * they are. So are levels that are somebody's own list.
 */
export function schedulerConfig({ prediction, zeroSnr, shift, betas }: TrainedSchedule) {
  const isFlow = prediction === "flow";
  const zero = zeroSnr && "exact";
  const own = betas ?? (shift === 1 ? undefined : betasOfSigmas(discreteTable({ shift, zeroSnr: zero }).sigmas));
  return {
    _class_name: isFlow ? "FlowMatchEulerDiscreteScheduler" : "EulerDiscreteScheduler",
    num_train_timesteps: betas?.length ?? 1000,
    ...(shift !== 1 && { shift }),
    ...(!isFlow && {
      beta_start: 0.00085,
      beta_end: 0.012,
      beta_schedule: "scaled_linear",
      ...(own && { trained_betas: own }),
      prediction_type: prediction === "v" ? "v_prediction" : "epsilon",
      rescale_betas_zero_snr: zeroSnr,
      // The last level is where zero SNR was learnt, and "leading" never visits it.
      timestep_spacing: zeroSnr ? "trailing" : "leading",
      steps_offset: zeroSnr ? 0 : 1,
    }),
  };
}
