/**
 * @file Control thresholds fitted to the table of an audit, in one walk and in memory that does not grow with it: quantiles are read
 * from fine bins, to a four-thousandth of a measure's range.
 */

import { IllustriousError } from "../../base/error.ts";
import {
  CONTROL_FAMILY_NAMES,
  type ControlFamily,
  type ControlThresholds,
  type Cuts,
  DEFAULT_QUANTILES,
} from "../../colour/index.ts";
import { measureSpreads, readFields } from "../audit/index.ts";

/**
 * @param shards of the audit's table
 * @param workingSide at which it was measured
 * @throws IllustriousError `bad_file` when no image has measures, or a shard is damaged
 */
export async function fitToTable(
  shards: readonly string[],
  workingSide: number,
  name: string,
): Promise<ControlThresholds> {
  const spreads = measureSpreads();
  let pictures = 0;
  for (const path of shards) {
    for (const row of await readFields(path, ["error", ...CONTROL_FAMILY_NAMES])) {
      if (row.error !== null) continue;
      pictures++;
      for (const family of CONTROL_FAMILY_NAMES) spreads[family].add(row[family]!);
    }
  }
  if (pictures === 0) {
    throw new IllustriousError("bad_file", `${name}: no image of it has measures`, "See `illustrious audit report`.");
  }
  const cutsOf = (family: ControlFamily) => DEFAULT_QUANTILES.map((share) => spreads[family].quantile(share)!) as Cuts;
  const cuts = Object.fromEntries(CONTROL_FAMILY_NAMES.map((family) => [family, cutsOf(family)]));
  return {
    ...{ format: "illustrious.control-thresholds", version: 1, name, pictures, workingSide },
    quantiles: [...DEFAULT_QUANTILES],
    cuts: cuts as ControlThresholds["cuts"],
  };
}
