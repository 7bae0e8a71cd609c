/** @file How many steps a run has, and whether its learning rates have room in them: said in the recipe's own keys. */

import { IllustriousError } from "../../base/error.ts";
import { hasRelativeSteps } from "./optimiser.ts";
import type { RecipeValues, TrainingRecipe } from "./recipe.ts";

/** sd-scripts' own, where a recipe names neither steps nor epochs. */
export const DEFAULT_STEPS = 1600;

type Keys = Pick<RecipeValues, "lr_scheduler" | "lr_warmup_steps" | "max_train_steps" | "max_train_epochs">;

/** @throws IllustriousError `bad_option` for a schedule that a run of so many steps cannot follow */
export function checkRunLength(
  { values, learning }: { readonly values: Keys } & Pick<TrainingRecipe, "learning">,
  steps: number,
): void {
  const { lr_scheduler: kind, lr_warmup_steps: warmup } = values;
  if (hasRelativeSteps(learning.optimiser)) return;
  if (kind === "constant" && warmup > 0) {
    const message = `lr_scheduler = "constant" and lr_warmup_steps = ${warmup}: a constant learning rate has no warm-up`;
    throw new IllustriousError(
      "bad_option",
      message,
      'Set lr_scheduler = "constant_with_warmup", or leave lr_warmup_steps out.',
    );
  }
  // Below 1 it is a share, which leaves room. Without a fall after it, a warm-up may be cut short.
  if (kind === "constant" || kind === "constant_with_warmup" || warmup < 1 || Math.round(warmup) < steps) return;
  throw new IllustriousError(
    "bad_option",
    `lr_warmup_steps = ${warmup} and ${lengthOf(values, steps)}: no step is left for lr_scheduler = "${kind}"`,
    "Lower lr_warmup_steps (0.05 is a twentieth of the run), or train longer.",
  );
}

function lengthOf({ max_train_steps, max_train_epochs }: Keys, steps: number): string {
  if (max_train_epochs !== undefined) return `max_train_epochs = ${max_train_epochs}, which are ${steps} steps`;
  return max_train_steps === undefined ? `${steps} steps, as max_train_steps is not set` : `max_train_steps = ${steps}`;
}
