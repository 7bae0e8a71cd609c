/** @file Two audits compared. */

import { resolve } from "node:path";
import { z } from "zod";
import type { CompareEvent, CompareRequest } from "../../data/sql/index.ts";
import { parsedOptions } from "../parsed-options.ts";
import { type AnalysisControl, analysis, limitOptions } from "./analysis.ts";

export const compareOptions = z.strictObject({
  a: z.string().min(1).describe("folder of a finished audit: the set before, or the first of two"),
  b: z.string().min(1).describe("the one to compare with it"),
  ...limitOptions,
});

export type CompareInput = z.input<typeof compareOptions>;

/** @throws IllustriousError as `compareAudits` */
export async function* runCompareAudits(
  input: CompareInput,
  control: AnalysisControl,
): AsyncGenerator<CompareEvent, void> {
  const { a, b, ...limits } = parsedOptions(compareOptions, input, "See `illustrious audit compare --help`.");
  yield* analysis<CompareEvent>(
    "compare",
    (resources): CompareRequest => ({ ...resources, a: resolve(a), b: resolve(b) }),
    limits,
    control,
  );
}
