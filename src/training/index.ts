/** @file The public list of the training floor. */

export { checkRecipe } from "./check.ts";
export {
  checkNoise,
  drawNoise,
  type LatentShape,
  type NoiseOptions,
  type TrainingNoise,
} from "./noise/training-noise.ts";
export { huberThreshold, type LossKind, type LossOptions, lossOf, lossSlope } from "./objectives/losses.ts";
export {
  checkObjective,
  type Examples,
  lossWeights,
  makeBatch,
  type Objective,
  type TrainingBatch,
} from "./objectives/objective.ts";
export {
  isTerminal,
  type Mixture,
  mixtureAt,
  noisedInput,
  snrOf,
  type TrainedPrediction,
  targetOf,
  trainedPredictions,
} from "./objectives/targets.ts";
export { lossWeight, type Weighting, x0Weight } from "./objectives/weights.ts";
export type { AdafactorOptions } from "./optimisers/adafactor.ts";
export type { AdamWOptions } from "./optimisers/adamw.ts";
export { clipScale, globalNorm } from "./optimisers/clipping.ts";
export { type EmaOptions, emaDecay, emaStep } from "./optimisers/ema.ts";
export {
  checkLearningRate,
  type LearningRateKind,
  type LearningRateSchedule,
  learningRateAt,
} from "./optimisers/learning-rate.ts";
export type { LionOptions } from "./optimisers/lion.ts";
export {
  createOptimiser,
  type Optimiser,
  type OptimiserName,
  type OptimiserOptions,
  type OptimiserState,
  type RowSlot,
  type Slot,
} from "./optimisers/optimiser.ts";
export { type SparseRows, sumByRow } from "./optimisers/rows.ts";
export { type Plan, planOf, type Recipe, shareOf } from "./plan.ts";
export {
  nextInteger,
  nextNormals,
  nextPermutation,
  nextUniform,
  type RandomState,
  randomState,
} from "./random.ts";
export {
  type LearningPlan,
  learnerOptionsOf,
  parseRecipe,
  type RecipeLevels,
  type RecipeNetwork,
  type RecipeReading,
  type RecipeValues,
  readRecipe,
  recipeKeys,
  type TrainedModel,
  type TrainedNetwork,
  type TrainingRecipe,
} from "./recipe/index.ts";
export type { TimestepDistribution } from "./timesteps/distributions.ts";
export { type TimestepOptions, type TimestepSampler, timestepSampler } from "./timesteps/sampler.ts";
export { shiftForSize } from "./timesteps/shift.ts";
