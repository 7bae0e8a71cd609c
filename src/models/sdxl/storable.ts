/** @file In which types numbers can be stored: files with infinities in them draw black pictures. */

import type { WeightDType } from "../../base/dtype.ts";
import { IllustriousError } from "../../base/error.ts";

const LARGEST: Readonly<Record<WeightDType, number>> = {
  F16: 65504,
  BF16: 3.3895313892515355e38,
  F32: 3.4028234663852886e38,
};

/** @throws IllustriousError `bad_file` for values that are not finite */
export function checkFinite(name: string, values: Float32Array): void {
  const bad = values.find((value) => !(Math.abs(value) <= LARGEST.F32));
  if (bad === undefined) return;
  const hint = "The weights are damaged, as after a training that failed: go back to an earlier state.";
  throw new IllustriousError("bad_file", `${name} has the value ${bad}`, hint);
}

/**
 * The type to store a tensor in: the one that is asked for or, where that cannot hold one of its values, F32.
 *
 * @throws as `checkFinite`
 */
export function storableType(name: string, values: Float32Array, asked: WeightDType): WeightDType {
  checkFinite(name, values);
  const most = LARGEST[asked];
  return values.some((value) => Math.abs(value) > most) ? "F32" : asked;
}

/** What to say of tensors that are stored as F32 where another type was asked for; nothing where there are none. */
export function widenedWarnings(names: readonly string[], asked: WeightDType): { message: string; hint: string }[] {
  if (names.length === 0) return [];
  const [who, are] = names.length === 1 ? ["1 tensor has", "is"] : [`${names.length} tensors have`, "are"];
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : "";
  const named = names.slice(0, MOST_NAMED).join(", ");
  const message = `${who} values beyond ${LARGEST[asked]}, the largest of ${asked}, and ${are} stored as F32: ${named}${more}`;
  const hint = "Programs that compute in float16 make infinities of them: let those compute in float32 or bfloat16.";
  return [{ message, hint }];
}

const MOST_NAMED = 5;
