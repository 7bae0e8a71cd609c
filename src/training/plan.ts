/** @file What a recipe does to each noise level: how much it weighs, how often it is drawn, and the product of both. */

import type { NoiseOptions } from "./noise/training-noise.ts";
import { lossWeights, type Objective } from "./objectives/objective.ts";
import { snrOf } from "./objectives/targets.ts";
import { type TimestepOptions, timestepSampler } from "./timesteps/sampler.ts";

/** Everything that decides what a network is asked during training, but for the data. */
export type Recipe = Objective & { timesteps?: TimestepOptions; noise?: NoiseOptions };

/** One entry a level of the table, least noise first. */
export type Plan = {
  /** What the network is told of the level. */
  t: Float64Array;
  snr: Float64Array;
  /** What multiplies the network's own loss. */
  weight: Float64Array;
  /** How likely a draw is; adds to 1. */
  probability: Float64Array;
  /** weight * probability: what the level counts in the loss that is minimised. Adds to `meanWeight`. */
  product: Float64Array;
  /** The mean of `weight` over draws: the factor on the learning rate of an optimiser that does not undo it. */
  meanWeight: number;
};

/** The plan of a recipe, for pictures of one timestep shift (the recipe's own if none is given). */
export function planOf(recipe: Recipe, shift?: number): Plan {
  const { table } = recipe;
  const weight = lossWeights(recipe);
  const probability = timestepSampler(table, recipe.timesteps).probabilities(shift);
  // A level that is never drawn counts nothing, even where its weight has no finite value.
  const product = weight.map((w, i) => (probability[i] === 0 ? 0 : w * probability[i]!));
  return {
    t: table.sigmas.map((sigma) => table.timestep(sigma)),
    snr: table.sigmas.map(snrOf),
    weight,
    probability,
    product,
    meanWeight: product.reduce((sum, p) => sum + p, 0),
  };
}

/** The part of `values` (a plan's `probability` or `product`) on levels with `from <= SNR < to`, of all of it. */
export function shareOf(plan: Plan, values: Float64Array, from: number, to: number): number {
  let [inside, all] = [0, 0];
  for (const [i, value] of values.entries()) {
    all += value;
    if (plan.snr[i]! >= from && plan.snr[i]! < to) inside += value;
  }
  return inside / all;
}
