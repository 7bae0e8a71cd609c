/**
 * @file Whether a run goes on from a checkpoint: its recipe must learn the same, from the same. What a run leaves behind, where things lie
 * and how long it is may have changed, and that is told.
 */

import { IllustriousError } from "../base/error.ts";
import type { Finding } from "../sampling/finding.ts";
import { ignoredElsewhere } from "../training/recipe/index.ts";
import { changesOf, type RecipeChange } from "./changed-recipe.ts";
import { readNotes, readState, type SavedState, type StateNotes } from "./checkpoints.ts";
import { changedDataFinding, type DataIdentity } from "./data-identity.ts";
import { tellsModel } from "./foundation.ts";

/** What a recipe is, beside its words. */
export type RunRecipe = {
  readonly text: string;
  readonly learns: "pairs" | "networks" | "vae";
  /** Whether its learning rates follow its length. */
  readonly followsLength: boolean;
};

/** A checkpoint's state, and what of the recipe has changed since without touching what is learnt. */
export type Resumed = { readonly saved: SavedState; readonly findings: readonly Finding[] };

/** The first look, before the data are known. Throws as `stateToResume`. */
export async function checkRecipe(checkpoint: string, now: RunRecipe): Promise<void> {
  checkChanges(checkpoint, await readNotes(checkpoint), now);
}

/** @throws IllustriousError `bad_option` for a checkpoint of a recipe that learns something else, naming what */
export async function stateToResume(checkpoint: string, now: RunRecipe, data: DataIdentity): Promise<Resumed> {
  const saved = await readState(checkpoint);
  const changes = checkChanges(checkpoint, saved, now);
  const moved = changes.filter(({ isPlace }) => isPlace);
  const [other] = changedDataFinding(saved.data, data);
  if (moved.length > 0 && other) throw anotherRecipe(checkpoint, moved, `, and ${other.message}`);
  return { saved, findings: changes.length > 0 ? [toldOf(changes)] : [] };
}

/** What has changed, if it touches nothing that is learnt. */
function checkChanges(checkpoint: string, saved: StateNotes, now: RunRecipe): readonly RecipeChange[] {
  const changes = changesOf(saved.recipe, now.text);
  const learning = changes.filter(({ key, isPlace }) =>
    isPlace ? saved.data === undefined : !isBeside(key, saved, now),
  );
  if (learning.length > 0) throw anotherRecipe(checkpoint, learning);
  return changes;
}

/** What a run leaves behind, by the beginnings of its keys and by name. */
const LEFT_BEHIND = /^(save_|sample_|metadata_)|^(no_metadata|training_comment|output_dir|output_name|data_cache)$/;

const LENGTH = ["max_train_steps", "max_train_epochs"];

/** Whether a key says nothing of what is learnt, nor of what from. */
function isBeside(key: string, { foundation }: StateNotes, { learns, followsLength }: RunRecipe): boolean {
  if (LEFT_BEHIND.test(key) || ignoredElsewhere(key)) return true;
  if (LENGTH.includes(key)) return !followsLength;
  // Where they lie does not matter if what they contain is compared, as the frozen ones' is.
  if (learns === "vae" || !tellsModel(foundation)) return false;
  return key === "vae" || key === "model_config" || (key === "pretrained_model_name_or_path" && learns === "pairs");
}

function anotherRecipe(checkpoint: string, changes: readonly RecipeChange[], more = ""): IllustriousError {
  return new IllustriousError(
    "bad_option",
    `${checkpoint} was written by another recipe: ${textOf(changes)}${more}`,
    "Take the change back, give the run another output_name, or begin anew with --restart; a LoRA may begin with " +
      "another's pairs, by network_weights.",
  );
}

function toldOf(changes: readonly RecipeChange[]): Finding {
  return {
    level: "warning",
    code: "recipe_changed",
    message: `the run goes on with a changed recipe: ${textOf(changes)}`,
    hint: "None of it touches what is learnt. Take it back if it is not meant.",
  };
}

const textOf = (changes: readonly RecipeChange[]): string => changes.map(({ text }) => text).join("; ");
