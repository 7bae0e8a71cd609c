/** @file Recipes: TOML with sd-scripts' names in, objectives, optimisers and learning rates out. */

export { ignoredElsewhere } from "./foreign.ts";
export type { RecipeNetwork } from "./networks.ts";
export type { RecipeLevels, TrainedModel } from "./objective.ts";
export {
  followsLength,
  hasRelativeSteps,
  type LearningPlan,
  learnerOptionsOf,
  type TrainedNetwork,
} from "./optimiser.ts";
export {
  parseRecipe,
  type RecipeReading,
  type RecipeValues,
  readRecipe,
  recipeKeys,
  type TrainingRecipe,
} from "./recipe.ts";
export { checkRunLength, DEFAULT_STEPS } from "./run-length.ts";
