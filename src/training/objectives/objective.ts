/** @file A training objective as a whole: prediction, noise levels, weight of each level, loss; and a batch made by it. */

import { IllustriousError } from "../../base/error.ts";
import type { NoiseTable } from "../../sampling/tables.ts";
import { checkLoss, huberThreshold, type LossOptions } from "./losses.ts";
import { familyOf, isTerminal, noisedInput, snrOf, type TrainedPrediction, targetOf } from "./targets.ts";
import { checkWeighting, lossWeight, type Weighting } from "./weights.ts";

export type Objective = {
  prediction: TrainedPrediction;
  /** The levels that are trained. A level is named by its index in `table.sigmas`, 0 the least noise. */
  table: NoiseTable;
  /** Default: weight 1 on the network's own loss. */
  weighting?: Weighting;
  /**
   * The weight of the terminal level of a zero-SNR table, in place of the formula: min-SNR, soft-min-SNR, debiased and
   * P2 all have the limit 0 there on a v-loss, and the level that fixes the mean colours would learn nothing. "limit"
   * leaves it to the formula. Default 1, as in the code of the min-SNR paper; with a `weightTable` the formula's, which has
   * an SNR there.
   */
  terminalWeight?: number | "limit";
  /**
   * The table whose SNR the weights are computed from, if it is not the trained one. For repeating runs of kohya's
   * trainers, which take the SNR before they rescale the schedule.
   */
  weightTable?: NoiseTable;
  /** The prediction whose formula the weights take, if it is not the trained one. For repeating runs of programs that
   * multiply a v-loss by the weight of an eps-loss. */
  weightFor?: TrainedPrediction;
  loss?: LossOptions;
};

/** Refuses an objective whose parts do not go together or lie outside of what they are for. */
export function checkObjective(objective: Objective): void {
  const { prediction, table, weighting = { kind: "uniform" }, terminalWeight, weightTable } = objective;
  const refuse = (message: string, hint: string) => {
    throw new IllustriousError("bad_option", message, hint);
  };
  const family = familyOf(prediction);
  if (table.family !== family) {
    refuse(`${prediction} prediction on a table of family "${table.family}"`, `Use a table of family "${family}".`);
  }
  if (weightTable && weightTable.sigmas.length !== table.sigmas.length) {
    refuse(
      `weights from ${weightTable.sigmas.length} levels for ${table.sigmas.length} trained ones`,
      "Give a weight table of as many levels, or none.",
    );
  }
  if (typeof terminalWeight === "number" && !(terminalWeight >= 0 && Number.isFinite(terminalWeight))) {
    refuse(`terminal weight ${terminalWeight}`, 'Needs a number >= 0, or "limit".');
  }
  checkWeighting(weighting, objective.weightFor ?? prediction);
  if (objective.loss) checkLoss(objective.loss);
}

/** What multiplies the loss at each level of the table. */
export function lossWeights(objective: Objective): Float64Array {
  checkObjective(objective);
  const { prediction, table, weighting = { kind: "uniform" } } = objective;
  const { weightTable = table, weightFor = prediction } = objective;
  const { terminalWeight = objective.weightTable ? "limit" : 1 } = objective;
  return table.sigmas.map((_, level) => {
    if (terminalWeight !== "limit" && isTerminal(table, level)) return terminalWeight;
    return lossWeight(weighting, snrOf(weightTable.sigmas[level]!), weightFor);
  });
}

/** What a training step feeds to the network and to the loss; pictures first, `size` numbers each. */
export type TrainingBatch = {
  input: Float32Array;
  target: Float32Array;
  /** What the network is told of each picture's noise. */
  timesteps: Float32Array;
  /** What multiplies each picture's loss. */
  weights: Float32Array;
  /** Each picture's threshold of a huber loss; 1 where the loss has none. */
  thresholds: Float32Array;
};

export type Examples = {
  /** Clean latents, scaled as the network expects them. */
  x0: Float32Array;
  /** The noise that the target is made of. */
  noise: Float32Array;
  /** The noise in the input, if it is not the same: input perturbation. */
  inputNoise?: Float32Array;
  /** One level a picture. */
  levels: Int32Array;
};

/** Makes a batch. `weights`: what `lossWeights` gave for the objective, computed once a run. */
export function makeBatch(objective: Objective, weights: Float64Array, examples: Examples): TrainingBatch {
  const { prediction, table, loss = { kind: "l2" } } = objective;
  const { x0, noise, inputNoise = noise, levels } = examples;
  const size = x0.length / levels.length;
  if (!Number.isInteger(size) || noise.length !== x0.length || inputNoise.length !== x0.length) {
    throw new IllustriousError(
      "bad_shape",
      `${levels.length} levels for ${x0.length} latents, ${noise.length} of noise and ${inputNoise.length} in the input`,
      "Every picture of a batch has one level and as many numbers as the others.",
    );
  }
  const input = new Float32Array(x0.length);
  const target = new Float32Array(x0.length);
  for (const [i, level] of levels.entries()) {
    const sigma = table.sigmas[level];
    if (sigma === undefined) throw new IllustriousError("bad_option", `level ${level} of ${table.sigmas.length}`);
    const picture = (values: Float32Array) => values.subarray(i * size, (i + 1) * size);
    input.set(noisedInput(prediction, sigma, picture(x0), picture(inputNoise)), i * size);
    target.set(targetOf(prediction, sigma, picture(x0), picture(noise)), i * size);
  }
  const huber = loss.kind === "huber" || loss.kind === "smooth_l1";
  const perPicture = (value: (level: number, sigma: number) => number) =>
    Float32Array.from(levels, (level) => value(level, table.sigmas[level]!));
  return {
    input,
    target,
    timesteps: perPicture((_, sigma) => table.timestep(sigma)),
    weights: perPicture((level) => weights[level]!),
    thresholds: perPicture((level, sigma) =>
      huber ? huberThreshold(loss, table.firstTime + level, sigma, table.sigmas.length) : 1,
    ),
  };
}
