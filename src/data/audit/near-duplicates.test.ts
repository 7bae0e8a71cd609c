/** @file Groups against all pairs compared one by one, and in cases whose answer is plain. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { type Fingerprints, groupsOf, hammingDistance } from "./near-duplicates.ts";

function fingerprints(perceptual: readonly (bigint | null)[], content?: readonly (bigint | null)[]): Fingerprints {
  const files = content ?? perceptual.map((_, i) => BigInt(i));
  return {
    perceptual: BigUint64Array.from(perceptual, (hash) => hash ?? 0n),
    hasPerceptual: Uint8Array.from(perceptual, (hash) => (hash === null ? 0 : 1)),
    content: BigUint64Array.from(files, (hash) => hash ?? 0n),
    hasContent: Uint8Array.from(files, (hash) => (hash === null ? 0 : 1)),
  };
}

const groups =
  (...given: Parameters<typeof fingerprints>) =>
  (distance: number) => [...groupsOf(fingerprints(...given), distance)];

test("bits apart", () => {
  expect(hammingDistance(0n, 2n ** 64n - 1n)).toBe(64);
  expect(hammingDistance(0b1011n << 31n, 0n)).toBe(3);
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n), (a, b) => {
      expect(hammingDistance(a, b)).toBe((a ^ b).toString(2).replaceAll("0", "").length);
    }),
  );
});

test("near ones, a chain of near ones, and one that is alone", () => {
  const far = 0xffff_0000_0000_0000n;
  const found = groups([0b0n, far, 0b11n, 0b1111n, 0b1111n, far ^ 1n]);
  expect(found(0)).toEqual([0, 1, 2, 3, 3, 5]);
  expect(found(1)).toEqual([0, 1, 2, 3, 3, 1]);
  // 0b0 and 0b1111 are four bits apart, and near through 0b11.
  expect(found(2)).toEqual([0, 1, 0, 0, 0, 1]);
});

test("without a perceptual hash only equal bytes join, and unread files join nothing", () => {
  expect(groups([null, null, null, 5n, 5n], [7n, 8n, 7n, null, null])(3)).toEqual([0, 1, 0, 3, 3]);
  expect(groups([null, null], [null, null])(3)).toEqual([0, 1]);
  expect(groups([])(3)).toEqual([]);
});

test("as all pairs say", () => {
  // Few bits vary, so that nearness is common.
  const hash = fc.tuple(fc.bigInt(0n, 15n), fc.array(fc.integer({ min: 0, max: 63 }), { maxLength: 5 }));
  const hashes = fc.array(fc.option(hash, { freq: 9 }), { maxLength: 40 });
  fc.assert(
    fc.property(hashes, fc.integer({ min: 0, max: 15 }), (given, distance) => {
      const values = given.map((one) =>
        one === null ? null : one[1].reduce((bits, bit) => bits ^ (1n << BigInt(bit)), one[0] << 30n),
      );
      const slow = values.map((_, i) => i);
      for (let again = true; again; ) {
        again = false;
        for (const [i, a] of values.entries()) {
          for (const [k, b] of values.entries()) {
            if (typeof a !== "bigint" || typeof b !== "bigint" || hammingDistance(a, b) > distance) continue;
            if (slow[i]! >= slow[k]!) continue;
            slow[k] = slow[i]!;
            again = true;
          }
        }
      }
      expect(groups(values)(distance)).toEqual(slow);
    }),
  );
});

test("a hundred thousand hashes, some of them copies with two bits changed", () => {
  let state = 1n;
  const next = () => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return BigInt.asUintN(64, (state ^ (state >> 29n)) * 0x9e3779b97f4a7c15n);
  };
  const count = 100_000;
  const hashes = Array.from({ length: count }, next);
  for (let i = 0; i < count; i += 100) hashes[i + 1] = hashes[i]! ^ 0x8000_0000_0000_0001n;
  const found = groups(hashes)(3);
  const joined = found.flatMap((group, i) => (group === i ? [] : [i]));
  expect(joined).toEqual(Array.from({ length: count / 100 }, (_, i) => 100 * i + 1));
});
