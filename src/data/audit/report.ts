/** @file The report on an audit: its figures, and what its manifest says. */

import { type CountProgress, figuresOf, type OpenVocabulary } from "./figures.ts";
import type { RowCounts } from "./row-counts.ts";

export type AuditReport = RowCounts & {
  readonly format: "illustrious.audit-report";
  readonly version: 1;
  readonly paths: readonly string[];
  readonly workingSide: number;
  readonly nearDuplicates: { readonly groups: number; readonly images: number };
};

/**
 * Tells how far it is where rows have to be counted, and returns the report.
 *
 * @param out the folder of a complete audit
 * @throws IllustriousError `missing_file` when there is none; `bad_file` for a damaged one
 */
export async function* walkReport(out: string, vocabulary: OpenVocabulary): AsyncGenerator<CountProgress, AuditReport> {
  const { manifest, counts } = yield* figuresOf(out, vocabulary);
  const { paths, settings, groups = 0, grouped = 0 } = manifest;
  return {
    ...{ format: "illustrious.audit-report", version: 1, paths, workingSide: settings.workingSide },
    ...counts,
    nearDuplicates: { groups, images: grouped },
  };
}
