/**
 * @file A recipe: the TOML by which sd-scripts' trainers are run (its `config_file` argument), read into our own types, with
 * everything that speaks against it. Sections are for the reader; keys count wherever they stand.
 */

import { z } from "zod";
import { IllustriousError } from "../../base/error.ts";
import { nearestName } from "../../base/nearest-name.ts";
import { parseToml } from "../../formats/toml.ts";
import type { Finding } from "../../sampling/finding.ts";
import { checkRecipe } from "../check.ts";
import type { Recipe } from "../plan.ts";
import { isOff, NEUTRAL, REFUSED } from "./foreign.ts";
import { LEARNER_KEYS, NOISE_KEYS, OBJECTIVE_KEYS, RUN_KEYS, TIMESTEP_KEYS } from "./keys.ts";
import { captionsFirst, networkOf, type RecipeNetwork, trainedNetworks } from "./networks.ts";
import { objectiveOf, type RecipeLevels, type TrainedModel } from "./objective.ts";
import { type LearningPlan, learningPlanOf, type TrainedNetwork } from "./optimiser.ts";
import { checkRunLength, DEFAULT_STEPS } from "./run-length.ts";
import { unusedKeys } from "./unused.ts";

/** Every key, with what it means as its description. */
export const recipeKeys = { ...OBJECTIVE_KEYS, ...TIMESTEP_KEYS, ...NOISE_KEYS, ...LEARNER_KEYS, ...RUN_KEYS };

const schema = z.object(recipeKeys);

/** The layer of its text encoders, from the end, that SDXL is read at. */
const SDXL_LAYER = 2;

/** All keys as the recipe or their defaults have them. */
export type RecipeValues = z.output<typeof schema>;

export type TrainingRecipe = {
  objective: Recipe;
  /** Whether each picture's size shifts its draws: `shiftForSize` for `TimestepSampler.draw`. */
  shiftBySize: boolean;
  learning: LearningPlan;
  train: TrainedNetwork[];
  /** Low-rank pairs in place of whole networks. */
  network?: RecipeNetwork;
  /** Captions are encoded before the first step. */
  captionsFirst: boolean;
  /** Length of the run, previews, saving, names: as they were written. */
  values: RecipeValues;
  /** Keys that another reader was said to know, and the tables `general`, `dataset` and `datasets`. */
  data: Record<string, unknown>;
  findings: Finding[];
};

export type RecipeReading = {
  /** What the checkpoint says of itself. */
  model?: TrainedModel;
  /** Noise levels that are trained in place of the checkpoint's, not for flow. */
  levels?: RecipeLevels;
  /** Keys that belong to another reader, such as those of a data set's folder. */
  dataKeys?: readonly string[];
};

/** Of the data set, with a reader of their own. */
const DATA_TABLES = ["general", "dataset", "datasets"];

/** @throws IllustriousError `bad_file` for what is no TOML, naming the line; else as `readRecipe` */
export function parseRecipe(toml: string, reading: RecipeReading = {}): TrainingRecipe {
  return readRecipe(parseToml(toml, "recipe", "Correct the recipe's TOML."), reading);
}

/**
 * The same for what has been parsed already.
 *
 * @throws IllustriousError `bad_option` that names every key at fault: unknown ones with what was likely meant, values out
 * of range, two keys that exclude each other. What can be said only of the whole is in `findings`; look for refusals there
 */
export function readRecipe(raw: Readonly<Record<string, unknown>>, reading: RecipeReading = {}): TrainingRecipe {
  const { model, levels, dataKeys = [] } = reading;
  const { own, data, findings } = sorted(flattened(raw), dataKeys);
  const parsed = schema.safeParse(own);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => {
      const key = String(path[0]);
      return `${key} = ${JSON.stringify(own[key])}: ${message}`;
    });
    throw new IllustriousError("bad_option", faults.join("; "), "Correct the recipe.");
  }
  const values = parsed.data;
  const objective = objectiveOf(values, model, levels);
  const learning = learningPlanOf(values);
  const network = networkOf(values);
  const train = trainedNetworks(values, network !== undefined, learning.plan.rates);
  // Steps of epochs are known once the data are.
  if (values.max_train_epochs === undefined) {
    checkRunLength({ values, learning: learning.plan }, values.max_train_steps ?? DEFAULT_STEPS);
  }
  return {
    objective: objective.recipe,
    shiftBySize: values.timestep_shift === "size",
    learning: learning.plan,
    train,
    ...(network ? { network } : {}),
    captionsFirst: captionsFirst(values, train),
    values,
    data,
    findings: [
      ...findings,
      ...objective.findings,
      ...learning.findings,
      ...unusedKeys(values, objective.recipe),
      ...clipSkipFindings(values),
      ...checkRecipe(objective.recipe),
    ],
  };
}

/** Programs around sd-scripts save 1 where nobody has chosen it, since the key does nothing there for SDXL. */
function clipSkipFindings({ clip_skip: layer }: RecipeValues): Finding[] {
  if (layer === SDXL_LAYER) return [];
  const unusual: Finding = {
    level: "warning",
    code: "clip_skip",
    message: `clip_skip = ${layer}: sd-scripts ignores the key for SDXL and reads layer 2, as programs that run SDXL do`,
    hint: "Leave it out, unless the model is to be used with that layer.",
  };
  return [unusual];
}

/** Sections are taken apart, as sd-scripts does, which writes what is not set as an empty word. */
function flattened(raw: Readonly<Record<string, unknown>>): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  const add = (key: string, value: unknown) => {
    if (value === "") return;
    if (flat.has(key)) throw new IllustriousError("bad_option", `${key} is set twice`, "Keep one of the two.");
    flat.set(key, value);
  };
  for (const [key, value] of Object.entries(raw)) {
    const section = typeof value === "object" && value !== null && !Array.isArray(value) && !DATA_TABLES.includes(key);
    if (!section) add(key, value);
    else for (const [inner, innerValue] of Object.entries(value)) add(inner, innerValue);
  }
  return flat;
}

type Sorted = { own: Record<string, unknown>; data: Record<string, unknown>; findings: Finding[] };

function sorted(flat: ReadonlyMap<string, unknown>, dataKeys: readonly string[]): Sorted {
  const own: Record<string, unknown> = {};
  const data: Record<string, unknown> = {};
  const neutral: string[] = [];
  const faults: string[] = [];
  for (const [key, value] of flat) {
    const refused = REFUSED.get(key);
    if (Object.hasOwn(recipeKeys, key)) {
      own[key] = value;
      if (dataKeys.includes(key)) data[key] = value;
    } else if (DATA_TABLES.includes(key) || dataKeys.includes(key)) data[key] = value;
    else if (NEUTRAL.has(key)) neutral.push(key);
    else if (refused === undefined) {
      const near = nearestName(key, [...Object.keys(recipeKeys), ...dataKeys, ...NEUTRAL, ...REFUSED.keys()]);
      faults.push(`unknown key ${key}${near ? ` (did you mean ${near}?)` : ""}`);
    } else if (!isOff(value)) faults.push(`${key} = ${JSON.stringify(value)} is not supported: ${refused}`);
  }
  if (faults.length > 0) throw new IllustriousError("bad_option", faults.join("; "), "Correct the recipe.");
  if (neutral.length === 0) return { own, data, findings: [] };
  const ignored: Finding = {
    level: "warning",
    code: "ignored_options",
    message: `without effect here: ${neutral.join(", ")}`,
    hint: "They say how sd-scripts computes, or are always so here; the recipe may keep them.",
  };
  return { own, data, findings: [ignored] };
}
