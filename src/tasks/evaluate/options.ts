/** @file What can be asked of `evaluate`. How pictures are drawn is not among it: figures of two models must mean the same. */

import { z } from "zod";
import { parsedOptions } from "../parsed-options.ts";

export const ROW_NAMES = ["simple", "long", "empty", "saturation", "control", "sizes"] as const;
export type RowName = (typeof ROW_NAMES)[number];

export const evaluateOptions = z.object({
  models: z.array(z.string().min(1)).min(1).readonly().describe("models: paths or names, as `generate` takes them"),
  only: z
    .array(z.enum(ROW_NAMES))
    .min(1)
    .readonly()
    .default([...ROW_NAMES])
    .describe("rows to fill"),
  quick: z
    .boolean()
    .default(false)
    .describe("fewer prompts and sizes, and five seeds: to see that it works, not to judge"),
  seeds: z.number().int().min(1).max(1000).optional().describe("seeds a cell, from 0 [default: 25; 5 with quick]"),
  batch: z.number().int().min(1).max(64).default(5).describe("pictures computed together"),
  threads: z.number().int().min(1).max(1024).optional().describe("threads of the engine [default: all cores]"),
  folder: z.string().min(1).default("runs/evaluation").describe("where results and pictures are kept, to go on from"),
});

export type EvaluateInput = z.input<typeof evaluateOptions>;
export type EvaluateOptions = z.output<typeof evaluateOptions>;

/** @throws IllustriousError `bad_option` that names every field at fault */
export function parseEvaluateOptions(input: EvaluateInput): EvaluateOptions {
  return parsedOptions(evaluateOptions, input, "`illustrious evaluate --help` lists what is allowed.");
}

export function seedsOf({ seeds, quick }: Pick<EvaluateOptions, "seeds" | "quick">): number {
  return seeds ?? (quick ? 5 : 25);
}
