/** @file Parcels against what went into them, over a clone as threads make it. */

import { expect, test } from "vitest";
import { shared } from "../../base/shared.ts";
import { float32, int64, type Values } from "../runtime.ts";
import { packer, unpacker } from "./parcels.ts";

test("what arrives is what was sent, parcel after parcel, whatever stays, moves, or stops being shared", () => {
  const [pack, unpack] = [packer(), unpacker()];
  const [one, other] = [shared(Float32Array.of(1, 2, 3, 4)), shared(Float32Array.of(5, 6, 7, 8))];
  const sent: readonly Values[] = [
    { kept: float32(one, [4]), own: float32(Float32Array.of(9), [1]), rows: int64([1, 2], [2]) },
    { kept: float32(one, [4]), own: float32(Float32Array.of(10), [1]) },
    { kept: float32(one, [2, 2]) },
    { kept: float32(other, [2, 2]), late: float32(one, [4]) },
    { kept: float32(other.subarray(1, 3), [2]), late: float32(one, [4]) },
    { kept: float32(other.subarray(2, 4), [2]), late: float32(Float32Array.of(0), [1]) },
    { kept: float32(other.subarray(2, 4), [2]), late: float32(one, [4]) },
  ];
  for (const values of sent) expect(unpack(structuredClone(pack(values)))).toEqual(values);
});

test("shared memory goes once, and what is written there later is seen without a word", () => {
  const [pack, unpack] = [packer(), unpacker()];
  const numbers = shared(Float32Array.of(1, 2));
  const own = float32(Float32Array.of(3), [1]);
  unpack(structuredClone(pack({ numbers: float32(numbers, [2]), own })));
  numbers[0] = 7;
  const parcel = pack({ numbers: float32(numbers, [2]), own });
  expect(parcel).toEqual({ values: { own }, again: ["numbers"] });
  expect(unpack(structuredClone(parcel)).numbers).toEqual(float32(Float32Array.of(7, 2), [2]));
});
