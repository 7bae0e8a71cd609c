/** @file Seeds: 64-bit integers, given as a number or, beyond 2^53, as a bigint. */

import { IllustriousError } from "../error.ts";

export type Seed = number | bigint;

/** The seed as an unsigned 64-bit integer; a negative one wraps, as in PyTorch. */
export function seedBits(seed: Seed): bigint {
  const refuse = (reason: string) =>
    new IllustriousError("bad_option", `seed ${seed} ${reason}`, "Seeds are integers from -2^63 to 2^64 - 1.");
  if (typeof seed === "number" && !Number.isInteger(seed)) throw refuse("is not an integer");
  if (typeof seed === "number" && !Number.isSafeInteger(seed)) throw refuse("is too large to be an exact number");
  const value = BigInt(seed);
  if (value < -(2n ** 63n) || value >= 2n ** 64n) throw refuse("does not fit in 64 bits");
  return BigInt.asUintN(64, value);
}
