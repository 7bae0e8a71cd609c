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

/** The groups, and how many turns they took. */
function searched(prints: Fingerprints, distance: number): { readonly groups: number[]; readonly turns: number } {
  const work = groupsOf(prints, distance);
  let before = 0;
  for (let turns = 0; ; turns++) {
    const { done, value } = work.next();
    if (done) return { groups: [...value], turns };
    expect(value).toBeGreaterThanOrEqual(before);
    expect(value).toBeLessThanOrEqual(1);
    before = value;
  }
}

const groups =
  (...given: Parameters<typeof fingerprints>) =>
  (distance: number) =>
    searched(fingerprints(...given), distance).groups;

/** The smallest of each one's group, after all pairs have been looked at. */
function byAllPairs(count: number, isNear: (a: number, b: number) => boolean): number[] {
  const found = Array.from({ length: count }, (_, i) => i);
  for (let a = 0; a < count; a++) {
    for (let b = a + 1; b < count; b++) {
      const [first, second] = [found[a]!, found[b]!];
      if (first === second || !isNear(a, b)) continue;
      for (let i = 0; i < count; i++) if (found[i] === Math.max(first, second)) found[i] = Math.min(first, second);
    }
  }
  return found;
}

/** 64 random bits after another; one from 0 to 1. */
function randoms(): { readonly next: () => bigint; readonly share: () => number } {
  let state = 1n;
  const next = () => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return BigInt.asUintN(64, (state ^ (state >> 29n)) * 0x9e3779b97f4a7c15n);
  };
  return { next, share: () => Number(next() >> 32n) / 2 ** 32 };
}

type Kind = "even" | "sparse" | "of one outline";

/** Sparse: 8 to 16 bits, as flat drawings have. Of one outline: the same picture with up to 8 bits changed, and those that are nearly always 0 beside. */
function hashesOf(kind: Kind, count: number): bigint[] {
  const { next, share } = randoms();
  const some = (bits: number) => {
    let hash = 0n;
    for (let k = 0; k < bits; k++) hash |= 1n << (next() >> 58n);
    return hash;
  };
  const outline = some(24);
  return Array.from({ length: count }, () => {
    if (kind === "even") return next();
    if (kind === "sparse") return some(8 + 9 * share());
    return share() < 0.5 ? outline ^ some(8 * share()) : some(16 * share() ** 2);
  });
}

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
      const isNear = (a: number, b: number) => {
        const [one, other] = [values[a]!, values[b]!];
        return one !== null && other !== null && hammingDistance(one, other) <= distance;
      };
      expect(groups(values)(distance)).toEqual(byAllPairs(values.length, isNear));
    }),
  );
});

test.each(["even", "sparse", "of one outline"] as const)("as all pairs say of 2500 hashes, %s", (kind) => {
  const hashes = hashesOf(kind, 2500);
  const apart = hashes.map((a, i) => Uint8Array.from(hashes.slice(0, i), (b) => hammingDistance(a, b)));
  const found = groups(hashes);
  for (let distance = 0; distance <= 15; distance++)
    expect(found(distance)).toEqual(byAllPairs(hashes.length, (a, b) => apart[b]![a]! <= distance));
});

test("a hundred thousand hashes, some of them copies with two bits changed", () => {
  const hashes = hashesOf("even", 100_000);
  for (let i = 0; i < hashes.length; i += 100) hashes[i + 1] = hashes[i]! ^ 0x8000_0000_0000_0001n;
  const found = groups(hashes)(3);
  const joined = found.flatMap((group, i) => (group === i ? [] : [i]));
  expect(joined).toEqual(Array.from({ length: hashes.length / 100 }, (_, i) => 100 * i + 1));
});

test("sparse hashes take little more work than even ones: twice as many do not take four times as much", () => {
  const turnsOf = (kind: Kind, count: number) => searched(fingerprints(hashesOf(kind, count)), 3).turns;
  // A turn is four million comparisons. All pairs would be five thousand turns, those that agree in a band sixty.
  expect(turnsOf("sparse", 200_000)).toBeLessThan(30);
  expect(turnsOf("sparse", 100_000)).toBeLessThan(15);
});
