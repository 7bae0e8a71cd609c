/** @file What a run of training is asked: a recipe, and what stands in place of some of its keys. */

import { z } from "zod";
import type { datasetSchema, subsetSchema } from "../../data/sets/options.ts";
import { parseToml } from "../../formats/toml.ts";
import type { recipeKeys } from "../../training/recipe/index.ts";
import { parsedOptions } from "../parsed-options.ts";
import type { OWN_KEYS } from "./recipe-file.ts";

const single = z.union([z.string(), z.number(), z.boolean()]);

/** A value of a recipe's key: lists may be of lists, as `vae_crops` is. */
const setting = z.union([single, z.array(z.union([single, z.array(single)]))]);

export const trainOptions = z.strictObject({
  recipe: z
    .union([z.string().min(1), z.record(z.string(), z.unknown())], {
      error: "expected a file's path, or an object of keys",
    })
    .describe("a recipe: TOML with the argument names of kohya's sd-scripts"),
  folder: z
    .string()
    .min(1)
    .default(".")
    .describe("from which the relative paths of a recipe that is an object count; those of a file count from its own"),
  set: z
    .record(z.string(), setting.optional())
    .default({})
    .transform((keys) =>
      Object.fromEntries(Object.entries(keys).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]))),
    )
    .describe("by key, in place of what the recipe says, and no tables; what is undefined is not set"),
  threads: z.int().min(1).max(256).optional().describe("threads of the engine [default: all cores]"),
  restart: z
    .boolean()
    .default(false)
    .describe("begin anew although the run's folder has checkpoints: they are kept, under another name"),
});

type Keys<Shape extends z.ZodRawShape> = z.input<z.ZodObject<Shape>>;
type Subset = z.input<typeof subsetSchema>;
type Dataset = z.input<typeof datasetSchema>;

/**
 * A recipe as an object: the keys of its file, with sd-scripts' names, units and defaults (`docs/recipes.md`, `docs/data-sets.md`). Options of
 * pictures may stand at its top for all data sets, or in one of `datasets`, or in one of its `subsets`.
 */
export type TrainRecipe = Keys<typeof recipeKeys> &
  Keys<typeof OWN_KEYS> &
  Partial<Omit<Subset & Dataset, keyof typeof recipeKeys>> & {
    /** What holds for all data sets that do not say it themselves. */
    readonly general?: Partial<Subset & Dataset>;
    /** One or more, each of one batch size and its own target areas. */
    readonly datasets?: readonly (Partial<Subset & Dataset> & { readonly subsets: readonly Subset[] })[];
  };

export type TrainInput = Omit<z.input<typeof trainOptions>, "recipe"> & {
  /** A TOML file's path, or what it would say. */
  readonly recipe: string | TrainRecipe;
};
export type TrainOptions = z.output<typeof trainOptions>;

/** A value as TOML has it, such as a number or a list; what is none of it as text. */
export function settingOf(text: string): z.output<typeof setting> {
  // Forms of a number that TOML does not have, such as .5, are numbers too.
  if (text.trim() !== "" && Number.isFinite(Number(text))) return Number(text);
  try {
    return setting.parse(parseToml(`value = ${text}`, "a setting").value);
  } catch {
    return text;
  }
}

export function parseTrainOptions(input: TrainInput): TrainOptions {
  return parsedOptions(trainOptions, input, "Give a recipe's path, and values for its keys.");
}
