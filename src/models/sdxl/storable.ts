/** @file Whether numbers can be stored in a type at all; files with infinities in them draw black pictures. */

import type { WeightDType } from "../../base/dtype.ts";
import { IllustriousError } from "../../base/error.ts";

const LARGEST: Readonly<Record<WeightDType, number>> = {
  F16: 65504,
  BF16: 3.4028234663852886e38,
  F32: 3.4028234663852886e38,
};

/** @throws IllustriousError `bad_option` for values that are not finite or too large for the type */
export function checkStorable(name: string, values: Float32Array, dtype: WeightDType): void {
  const most = LARGEST[dtype];
  const bad = values.find((value) => !(Math.abs(value) <= most));
  if (bad === undefined) return;
  const hint = Number.isFinite(bad)
    ? "Save it as BF16 or F32."
    : "The weights are damaged, as after a training that failed: go back to an earlier state.";
  throw new IllustriousError("bad_option", `${name} has the value ${bad}, which ${dtype} cannot hold`, hint);
}
