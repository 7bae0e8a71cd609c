/** @file What a run of training is asked: a recipe's file, and what stands in place of some of its keys. */

import { z } from "zod";
import { parseToml } from "../../formats/toml.ts";
import { parsedOptions } from "../parsed-options.ts";

const single = z.union([z.string(), z.number(), z.boolean()]);

/** A value of a recipe's key: lists may be of lists, as `vae_crops` is. */
const setting = z.union([single, z.array(z.union([single, z.array(single)]))]);

export const trainOptions = z.strictObject({
  recipe: z.string().min(1).describe("a recipe: TOML with the argument names of kohya's sd-scripts"),
  /** By key, in place of what the recipe says; tables only in the file. */
  set: z.record(z.string(), setting).default({}),
  threads: z.int().min(1).max(256).optional(),
  /** Begin anew although the run's folder has checkpoints: they are kept, under another name. */
  restart: z.boolean().default(false),
});

export type TrainInput = z.input<typeof trainOptions>;
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
