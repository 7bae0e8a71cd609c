/** @file Two audits compared, for programs: `for await (const event of compareAudits({ a, b })) …`. */

import type { CompareEvent } from "../data/sql/index.ts";
import type { AnalysisControl } from "./audit/analysis.ts";
import type { CompareInput } from "./audit/compare.ts";

/**
 * Compares two finished audits: how each measure is spread in both and how far apart that is, shares, hues, tags, lengths of captions, and
 * which files both have. The last event has all of it. Errors as `queryAudit`; `bad_option` also for audits at two working sides.
 */
export async function* compareAudits(
  input: CompareInput,
  control: AnalysisControl = {},
): AsyncGenerator<CompareEvent, void> {
  const { runCompareAudits } = await import("./audit/compare.ts");
  yield* runCompareAudits(input, control);
}
