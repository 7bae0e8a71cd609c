/** @file What a run of training is asked: a recipe's file, and what stands in place of some of its keys. */

import { z } from "zod";
import { parsedOptions } from "../parsed-options.ts";

export const trainOptions = z.strictObject({
  recipe: z.string().min(1).describe("a recipe: TOML with the argument names of kohya's sd-scripts"),
  /** By key, in place of what the recipe says; lists and tables only in the file. */
  set: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  threads: z.int().min(1).max(256).optional(),
  /** Begin anew although the run's folder has checkpoints: they are kept, under another name. */
  restart: z.boolean().default(false),
});

export type TrainInput = z.input<typeof trainOptions>;
export type TrainOptions = z.output<typeof trainOptions>;

export function parseTrainOptions(input: TrainInput): TrainOptions {
  return parsedOptions(trainOptions, input, "Give a recipe's path, and values for its keys.");
}
