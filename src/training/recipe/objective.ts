/** @file What a recipe's keys make of the objective: prediction and schedule, one weighting, draws, noise, loss. */

import type { z } from "zod";
import { IllustriousError } from "../../base/error.ts";
import type { Finding } from "../../sampling/finding.ts";
import { discreteTable, flowTable, type NoiseTable, type ZeroSnr } from "../../sampling/tables.ts";
import type { NoiseOptions } from "../noise/training-noise.ts";
import type { TrainedPrediction } from "../objectives/targets.ts";
import type { Weighting } from "../objectives/weights.ts";
import type { Recipe } from "../plan.ts";
import type { TimestepDistribution } from "../timesteps/distributions.ts";
import type { TimestepOptions } from "../timesteps/sampler.ts";
import type { NOISE_KEYS, OBJECTIVE_KEYS, TIMESTEP_KEYS } from "./keys.ts";

type Keys = typeof OBJECTIVE_KEYS & typeof TIMESTEP_KEYS & typeof NOISE_KEYS;
export type ObjectiveValues = z.output<z.ZodObject<Keys>>;

/** Noise levels as they are where a recipe says nothing of them. */
export type RecipeLevels = {
  zeroSnr?: ZeroSnr;
  shift?: number;
  /** Where they are neither SDXL's nor a multiple of them. */
  betas?: readonly number[];
};

/** What the checkpoint that is trained says of itself; a recipe that is silent follows it. */
export type TrainedModel = RecipeLevels & { prediction?: TrainedPrediction };

/** @param own levels in place of the model's */
export function objectiveOf(
  values: ObjectiveValues,
  model: TrainedModel = {},
  own?: RecipeLevels,
): { recipe: Recipe; findings: Finding[] } {
  const prediction = predictionOf(values, model);
  const { betas, ...usual } = own ?? model;
  const levels = { ...(betas && { betas }), shift: values.schedule_shift ?? usual.shift ?? 1 };
  const table = tableOf(values, prediction, usual.zeroSnr ?? false, levels);
  const weighting = weightingOf(values);
  const recipe: Recipe = {
    prediction,
    table,
    ...(weighting ? { weighting } : {}),
    ...(values.terminal_weight === undefined ? {} : { terminalWeight: values.terminal_weight }),
    ...(values.weights_before_rescale && betas?.at(-1) !== 1 ? { weightTable: discreteTable(levels) } : {}),
    ...(values.weight_formula_of ? { weightFor: values.weight_formula_of } : {}),
    loss: {
      kind: values.loss_type,
      threshold: values.huber_c,
      schedule: values.huber_schedule,
      scale: values.huber_scale,
    },
    timesteps: timestepsOf(values, table.sigmas.length),
    noise: noiseOf(values),
  };
  return { recipe, findings: differences(recipe, model, values, own) };
}

function predictionOf(values: ObjectiveValues, model: TrainedModel): TrainedPrediction {
  const { prediction, v_parameterization: v } = values;
  if (prediction !== undefined && v !== undefined && (prediction === "v") !== v) {
    throw new IllustriousError(
      "bad_option",
      `prediction = "${prediction}" and v_parameterization = ${v}`,
      "Leave one of them out.",
    );
  }
  if (prediction !== undefined) return prediction;
  if (v !== undefined) return v ? "v" : "eps";
  return model.prediction ?? "eps";
}

function tableOf(
  { zero_terminal_snr: asked }: ObjectiveValues,
  prediction: TrainedPrediction,
  usual: ZeroSnr,
  levels: { shift: number; betas?: readonly number[] },
): NoiseTable {
  if (prediction === "flow") return flowTable({ shift: levels.shift });
  const zeroSnr = asked === undefined ? usual : asked && "exact";
  const table = discreteTable({ ...levels, zeroSnr });
  if (asked !== false || !table.zeroSnr) return table;
  throw new IllustriousError(
    "bad_option",
    "zero_terminal_snr = false, and a list of betas that ends in 1, which leaves no signal",
    "Leave zero_terminal_snr out, or train on other levels.",
  );
}

/** sd-scripts multiplies all that are set; no paper does, and their product is none of them. */
function weightingOf(values: ObjectiveValues): Weighting | undefined {
  const chosen: [string, Weighting][] = [];
  const { min_snr_gamma, soft_min_snr_gamma, p2_gamma, v_pred_like_loss, weight_loss_like } = values;
  if (min_snr_gamma) chosen.push(["min_snr_gamma", { kind: "min_snr", gamma: min_snr_gamma }]);
  if (soft_min_snr_gamma) chosen.push(["soft_min_snr_gamma", { kind: "soft_min_snr", gamma: soft_min_snr_gamma }]);
  if (values.debiased_estimation_loss) {
    chosen.push(["debiased_estimation_loss", { kind: "debiased", form: values.debiased_form }]);
  }
  if (p2_gamma) chosen.push(["p2_gamma", { kind: "p2", gamma: p2_gamma, k: values.p2_k, form: values.p2_form }]);
  if (v_pred_like_loss) chosen.push(["v_pred_like_loss", { kind: "v_like", strength: v_pred_like_loss }]);
  if (values.scale_v_pred_loss_like_noise_pred) {
    chosen.push(["scale_v_pred_loss_like_noise_pred", { kind: "uniform", of: "eps" }]);
  }
  if (weight_loss_like) chosen.push(["weight_loss_like", { kind: "uniform", of: weight_loss_like }]);
  if (chosen.length <= 1) return chosen[0]?.[1];
  throw new IllustriousError(
    "bad_option",
    `${chosen.map(([name]) => name).join(" and ")}: two weightings of one loss`,
    "Keep one; sd-scripts would multiply them, which is neither.",
  );
}

function timestepsOf(values: ObjectiveValues, levels: number): TimestepOptions {
  const { min_timestep, max_timestep, timestep_shift } = values;
  checkRange(min_timestep, max_timestep, levels);
  const kind = samplingOf(values);
  const own = kind === "shift" ? values.discrete_flow_shift : 1;
  return {
    distribution: distributionOf(values, kind),
    stratified: values.stratified_timesteps,
    terminalShare: values.terminal_share,
    ...(min_timestep === undefined ? {} : { minTimestep: min_timestep }),
    ...(max_timestep === undefined ? {} : { maxTimestep: max_timestep }),
    // "size" is each picture's own factor, which is known when it is drawn.
    shift: timestep_shift === "size" ? own : own * timestep_shift,
  };
}

function checkRange(min = 0, max: number | undefined, levels: number): void {
  if (min < (max ?? levels) && (max ?? levels) <= levels) return;
  throw new IllustriousError(
    "bad_option",
    `min_timestep = ${min} and max_timestep = ${max ?? levels}: no such range among ${levels} levels`,
    `Needs min_timestep < max_timestep <= ${levels}; the upper end is not drawn itself.`,
  );
}

export type Sampling = NonNullable<ObjectiveValues["timestep_sampling"]>;

/** How levels are drawn, under whichever name the recipe says it. */
export function samplingOf(values: ObjectiveValues): Sampling {
  const { timestep_sampling, weighting_scheme, timestep_weights, laplace_timestep_sampling_mu: mu } = values;
  if (timestep_sampling) return timestep_sampling;
  if (timestep_weights) return "table";
  if (mu !== undefined) return "laplace";
  return weighting_scheme === undefined || weighting_scheme === "none" ? "uniform" : weighting_scheme;
}

function distributionOf(values: ObjectiveValues, kind: Sampling): TimestepDistribution {
  switch (kind) {
    case "uniform":
    case "cosmap":
      return { kind };
    case "sigmoid":
    case "shift":
      return { kind: "logit_normal", mean: 0, deviation: values.sigmoid_scale };
    case "logit_normal":
      return { kind, mean: values.logit_mean, deviation: values.logit_std };
    case "mode":
      return { kind, scale: values.mode_scale };
    case "beta":
      return { kind, a: values.beta_a, b: values.beta_b };
    case "laplace": {
      const mu = needed(values.laplace_timestep_sampling_mu, "laplace", "laplace_timestep_sampling_mu");
      const b = needed(values.laplace_timestep_sampling_b, "laplace", "laplace_timestep_sampling_b");
      return { kind, mu, b, measure: values.laplace_measure };
    }
    case "table":
      return { kind, weights: needed(values.timestep_weights, "table", "timestep_weights") };
  }
}

function needed<T>(value: T | undefined, kind: string, key: string): T {
  if (value !== undefined) return value;
  throw new IllustriousError("bad_option", `timesteps by ${kind} without ${key}`, `Set ${key}.`);
}

function noiseOf(values: ObjectiveValues): NoiseOptions {
  const { multires_noise_iterations: iterations, multires_noise_discount: discount } = values;
  return {
    offset: values.noise_offset,
    adaptiveScale: values.adaptive_noise_scale,
    offsetRandomStrength: values.noise_offset_random_strength,
    ...(iterations > 0 ? { pyramid: { iterations, discount } } : {}),
    perturbation: values.ip_noise_gamma,
    perturbationRandomStrength: values.ip_noise_gamma_random_strength,
  };
}

/** A run may turn a model into another kind on purpose, but most that do so did not mean to. */
function differences(
  recipe: Recipe,
  model: TrainedModel,
  { zero_terminal_snr, schedule_shift }: ObjectiveValues,
  own: RecipeLevels | undefined,
): Finding[] {
  const found: Finding[] = [];
  if (model.prediction !== undefined && model.prediction !== recipe.prediction) {
    found.push({
      level: "warning",
      code: "prediction_differs",
      message: `the checkpoint predicts ${model.prediction}, the recipe trains ${recipe.prediction}`,
      hint: "Leave v_parameterization and prediction out to train what the checkpoint is; a LoRA must.",
    });
  }
  const zero = recipe.table.zeroSnr !== false;
  if (model.zeroSnr !== undefined && recipe.prediction !== "flow" && (model.zeroSnr !== false) !== zero) {
    found.push({
      level: "warning",
      code: "zero_snr_differs",
      message: `the checkpoint was trained ${zero ? "without" : "with"} zero terminal SNR, the recipe trains ${zero ? "with" : "without"}`,
      hint: `Leave ${zero_terminal_snr === undefined ? "trained_betas" : "zero_terminal_snr"} out to train what the checkpoint is.`,
    });
  }
  const { shift = 1 } = model;
  // To its last digits a shift that was read from a schedule's levels is not the one that was written.
  const isComparable = model.prediction === recipe.prediction && !(own && recipe.table.isListed);
  if (isComparable && Math.abs(recipe.table.shift / shift - 1) > 1e-4) {
    found.push({
      level: "warning",
      code: "shift_differs",
      message: `the checkpoint's schedule has a shift of ${shift}, the recipe trains one of ${recipe.table.shift}`,
      hint: `Leave ${schedule_shift === undefined ? "trained_betas" : "schedule_shift"} out to train what the checkpoint is. A LoRA's file cannot say it: generate with --shift.`,
    });
  }
  return found;
}
