/**
 * @file Groups of pictures that are the same or nearly so: equal bytes, or perceptual hashes at most some bits apart. Whoever is near
 * to a member belongs to the group, so two members may be further apart than that.
 */

import { firstOf, join, singles } from "./disjoint-groups.ts";
import { bitCount, joinNear, wordsOf } from "./near-hashes.ts";

/** Of a perceptual hash each, `null` for none, and of the content, any 64 bits that tell files apart. */
export type Fingerprints = {
  readonly perceptual: BigUint64Array;
  /** 1 where there is a perceptual hash. */
  readonly hasPerceptual: Uint8Array;
  readonly content: BigUint64Array;
  /** 1 where the content could be read. */
  readonly hasContent: Uint8Array;
};

/**
 * For each picture the number of its group's first member, which is its own for a picture that is alone. Needs about 50 bytes a
 * picture. Yields the share that is done, 0 to 1, often enough for others to have their turn.
 *
 * @param distance bits, 0 to 15
 */
export function* groupsOf(fingerprints: Fingerprints, distance: number): Generator<number, Uint32Array> {
  const { perceptual, hasPerceptual, content, hasContent } = fingerprints;
  const groups = singles(perceptual.length);
  joinEqual(content, hasContent, groups);
  yield 0;
  // Of equal hashes the first stands for all, so that a thousand copies are not compared a million times.
  const different = joinEqual(perceptual, hasPerceptual, groups);
  yield 0;
  if (distance > 0) yield* joinNear(perceptual, different, distance, groups);
  for (let i = 0; i < groups.length; i++) groups[i] = firstOf(groups, i);
  return groups;
}

export function hammingDistance(a: bigint, b: bigint): number {
  const both = a ^ b;
  return bitCount(Number(both & 0xffff_ffffn), Number(both >> 32n));
}

/** @returns one number for each value that occurs, the smallest */
function joinEqual(values: BigUint64Array, present: Uint8Array, groups: Uint32Array): Uint32Array {
  const words = wordsOf(values);
  const members = singles(groups.length).filter((member) => present[member] === 1);
  const parts = sortedBy(members, (member) => words[2 * member + 1]!);
  let kept = 0;
  for (let from = 0, to = 0; from < members.length; from = to) {
    do to++;
    while (to < members.length && parts[2 * to + 1] === parts[2 * from + 1]);
    if (to - from === 1) {
      members[kept++] = parts[2 * from]!;
      continue;
    }
    const first = new Map<number, number>();
    for (let i = from; i < to; i++) {
      const member = parts[2 * i]!;
      const before = first.get(words[2 * member]!);
      if (before !== undefined) join(groups, before, member);
      else {
        first.set(words[2 * member]!, member);
        members[kept++] = member;
      }
    }
  }
  return members.slice(0, kept);
}

/** Members by a key of 32 bits, then by their number, as pairs of a member and its key: the plain sort of 64-bit numbers. */
function sortedBy(members: Uint32Array, key: (member: number) => number): Uint32Array {
  const keyed = new BigUint64Array(members.length);
  const parts = wordsOf(keyed);
  for (let i = 0; i < members.length; i++) {
    parts[2 * i] = members[i]!;
    parts[2 * i + 1] = key(members[i]!);
  }
  keyed.sort();
  return parts;
}
