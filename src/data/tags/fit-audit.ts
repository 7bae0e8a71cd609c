/** @file Control thresholds fitted to an audit, from its figures: quantiles are read from fine bins, to a four-thousandth of a measure's range. */

import { IllustriousError } from "../../base/error.ts";
import { type ControlThresholds, DEFAULT_QUANTILES } from "../../colour/index.ts";
import { type CountProgress, figuresOf, type OpenVocabulary } from "../audit/index.ts";

/**
 * Events where the audit's rows have to be counted first.
 *
 * @param audit folder of a finished one
 * @throws IllustriousError `bad_file` when no image has measures, or a shard is damaged
 */
export async function* fitToAudit(
  audit: string,
  name: string,
  vocabulary: OpenVocabulary,
): AsyncGenerator<CountProgress, ControlThresholds> {
  const { manifest, counts } = yield* figuresOf(audit, vocabulary);
  const { cuts, measured: pictures } = counts;
  if (!cuts) {
    throw new IllustriousError("bad_file", `${name}: no image of it has measures`, "See `illustrious audit report`.");
  }
  const { workingSide } = manifest.settings;
  return {
    ...{ format: "illustrious.control-thresholds", version: 1, name, pictures, workingSide },
    ...{ quantiles: [...DEFAULT_QUANTILES], cuts },
  };
}
