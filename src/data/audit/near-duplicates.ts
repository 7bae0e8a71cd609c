/**
 * @file Groups of pictures that are the same or nearly so: equal bytes, or perceptual hashes at most some bits apart. Whoever is near
 * to a member belongs to the group, so two members may be further apart than that.
 *
 * Hashes at most d bits apart agree in one of d + 1 bands of bits at least (Manku, Jain and Das Sarma 2007, "Detecting
 * near-duplicates for web crawling", section 3): for each band the hashes are sorted by it, and only those that agree in it compared.
 */

export const HASH_BITS = 64;

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
 * For each picture the number of its group's first member, which is its own for a picture that is alone. Needs about 40 bytes a
 * picture.
 *
 * @param distance bits, 0 to 15
 */
export function groupsOf(fingerprints: Fingerprints, distance: number): Uint32Array {
  const { perceptual, hasPerceptual, content, hasContent } = fingerprints;
  const groups = singles(perceptual.length);
  joinEqual(content, hasContent, groups);
  // Of equal hashes the first stands for all, so that a thousand copies are not compared a million times.
  const different = joinEqual(perceptual, hasPerceptual, groups);
  if (distance > 0) joinNear(perceptual, different, distance, groups);
  for (let i = 0; i < groups.length; i++) groups[i] = firstOf(groups, i);
  return groups;
}

export function hammingDistance(a: bigint, b: bigint): number {
  const both = a ^ b;
  return bitCount(Number(both & 0xffff_ffffn)) + bitCount(Number(both >> 32n));
}

/** Ones in a word of 32 bits. Warren (2013), "Hacker's Delight", figure 5-2. */
function bitCount(word: number): number {
  let x = word - ((word >>> 1) & 0x5555_5555);
  x = (x & 0x3333_3333) + ((x >>> 2) & 0x3333_3333);
  x = (x + (x >>> 4)) & 0x0f0f_0f0f;
  return Math.imul(x, 0x0101_0101) >>> 24;
}

function singles(count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => i);
}

/** Union-find with path halving; the smallest number stands for a group. */
function firstOf(groups: Uint32Array, member: number): number {
  let at = member;
  while (groups[at] !== at) {
    groups[at] = groups[groups[at]!]!;
    at = groups[at]!;
  }
  return at;
}

function join(groups: Uint32Array, a: number, b: number): void {
  const [first, second] = [firstOf(groups, a), firstOf(groups, b)];
  if (first !== second) groups[Math.max(first, second)] = Math.min(first, second);
}

/** @returns one number for each value that occurs, the smallest */
function joinEqual(values: BigUint64Array, present: Uint8Array, groups: Uint32Array): Uint32Array {
  const words = wordsOf(values);
  const members = Uint32Array.from(present.keys()).filter((member) => present[member] === 1);
  const parts = sortedBy(members, (member) => words[2 * member + 1]!);
  const first = new Map<number, number>();
  let kept = 0;
  for (let i = 0; 2 * i < parts.length; i++) {
    const member = parts[2 * i]!;
    if (i > 0 && parts[2 * i + 1] !== parts[2 * i - 1]) first.clear();
    const before = first.get(words[2 * member]!);
    if (before !== undefined) join(groups, before, member);
    else {
      first.set(words[2 * member]!, member);
      members[kept++] = member;
    }
  }
  return members.slice(0, kept);
}

/** Two words a number, the low one first: every machine that Node runs on is little-endian. */
function wordsOf(values: BigUint64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
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

function joinNear(hashes: BigUint64Array, different: Uint32Array, distance: number, groups: Uint32Array): void {
  const words = wordsOf(hashes);
  const bands = Math.max(2, distance + 1);
  for (let band = 0; band < bands; band++) {
    const parts = sortedBy(different, (member) => bandOf(words[2 * member]!, words[2 * member + 1]!, band, bands));
    for (let from = 0, to = 0; from < different.length; from = to) {
      const key = parts[2 * from + 1];
      for (to = from; to < different.length && parts[2 * to + 1] === key; to++) {
        const b = parts[2 * to]!;
        for (let i = from; i < to; i++) {
          const a = parts[2 * i]!;
          const apart = bitCount(words[2 * a]! ^ words[2 * b]!) + bitCount(words[2 * a + 1]! ^ words[2 * b + 1]!);
          if (apart <= distance) join(groups, a, b);
        }
      }
    }
  }
}

/**
 * Every `bands`-th bit, from the one numbered `band`: bits from all over the picture. A band of neighbouring bits would be the same
 * in all pictures with, say, a plain sky.
 */
function bandOf(low: number, high: number, band: number, bands: number): number {
  let key = 0;
  for (let bit = band; bit < HASH_BITS; bit += bands) {
    const word = bit < 32 ? low : high;
    key = (key << 1) | ((word >>> (bit & 31)) & 1);
  }
  return key >>> 0;
}
