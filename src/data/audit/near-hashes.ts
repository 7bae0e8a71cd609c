/**
 * @file Hashes of 64 bits that are at most some bits apart, joined without comparing all with all.
 *
 * Hashes at most d bits apart agree in one of d + 1 bands of bits at least, however bits are dealt to bands (Manku, Jain and Das Sarma
 * 2007, "Detecting near-duplicates for web crawling", section 3): for each band the hashes are sorted by it, and only those that agree in
 * it can be near. Of pictures most bits are nearly always 0, so that very many agree by chance. Those are divided again in the same way,
 * by the bits in which they still differ, until there are few, or nothing is to be gained. Each time bits are dealt so that all bands tell
 * as many hashes apart.
 */

import { firstOf, join } from "./disjoint-groups.ts";

/** What it costs to sort a hash by a band, in comparisons of two hashes; measured. */
const SORTING = 40;

/** Hashes by which it is judged how many a bit tells apart. */
const SAMPLE = 256;

/** Comparisons between two turns: some hundredths of a second. */
const TURN = 4_000_000;

/**
 * Yields the share that is done, 0 to 1, every few hundredths of a second; to sort millions by a band takes longer.
 *
 * @param members numbers of hashes, no two of which are equal
 * @param distance bits, from 1
 */
export function* joinNear(
  hashes: BigUint64Array,
  members: Uint32Array,
  distance: number,
  groups: Uint32Array,
): Generator<number, void> {
  const words = wordsOf(hashes);
  const sorted = new BigUint64Array(members.length);
  const lows = new Int32Array(members.length);
  const highs = new Int32Array(members.length);
  let spent = 0;

  function isTime(): boolean {
    if (spent < TURN) return false;
    spent = 0;
    return true;
  }

  /** Of the members from one place to another, which may change places. They are done when `end` of all is. */
  function* divide(from: number, to: number, begin: number, end: number): Generator<number, void> {
    const count = to - from;
    if ((count - 1) / 2 <= SORTING * (distance + 1)) return yield* compare(from, to, begin);
    const bits = openBits(from, to);
    if (bits.length <= distance) {
      for (let i = from + 1; i < to; i++) join(groups, members[from]!, members[i]!);
      return;
    }
    const bands = dealt(bits, from, to);
    if (!bands) return yield* compare(from, to, begin);
    for (const [i, band] of bands.entries()) {
      const base = begin + ((end - begin) * i) / bands.length;
      const each = (end - begin) / bands.length / count;
      const alike = alikeIn(band, from, to);
      if (isTime()) yield base;
      for (const [first, past] of alike) {
        yield* divide(first, past, base + each * (first - from), base + each * (past - from));
      }
    }
  }

  /** Bits that are not the same in all of them; none where all are of one group. */
  function openBits(from: number, to: number): number[] {
    const group = firstOf(groups, members[from]!);
    const [low, high] = [words[2 * members[from]!]!, words[2 * members[from]! + 1]!];
    let isOne = true;
    let openLow = 0;
    let openHigh = 0;
    for (let i = from + 1; i < to; i++) {
      const member = members[i]!;
      openLow |= words[2 * member]! ^ low;
      openHigh |= words[2 * member + 1]! ^ high;
      isOne &&= firstOf(groups, member) === group;
    }
    return isOne ? [] : BITS.filter((bit) => bitOf(openLow, openHigh, bit) === 1);
  }

  /** The bits in bands, unless sorting by all of these costs more than it saves. */
  function dealt(bits: readonly number[], from: number, to: number): number[][] | undefined {
    const step = Math.max(1, Math.floor((to - from) / SAMPLE));
    const size = Math.floor((to - from) / step);
    const alike = new Map(
      bits.map((bit) => {
        let ones = 0;
        for (let i = 0; i < size; i++) {
          const member = members[from + i * step]!;
          ones += bitOf(words[2 * member]!, words[2 * member + 1]!, bit);
        }
        const one = (ones + 0.5) / (size + 1);
        return [bit, one ** 2 + (1 - one) ** 2];
      }),
    );
    // The chance that two agree in a band, were its bits independent.
    const bands = Array.from({ length: distance + 1 }, () => ({ bits: [] as number[], alike: 1 }));
    for (const bit of [...bits].sort((a, b) => alike.get(a)! - alike.get(b)!)) {
      const room = bands.filter((band) => band.bits.length < 32);
      const band = room.reduce((best, one) => (one.alike > best.alike ? one : best));
      band.bits.push(bit);
      band.alike *= alike.get(bit)!;
    }
    const left = bands.reduce((sum, band) => sum + band.alike, 0);
    const pairsEach = (to - from) / 2;
    return left * pairsEach + SORTING * bands.length < pairsEach ? bands.map((band) => band.bits) : undefined;
  }

  /** Puts those that agree in a band beside each other, and tells where more than one does. */
  function alikeIn(band: readonly number[], from: number, to: number): [number, number][] {
    const own = sorted.subarray(0, to - from);
    const parts = wordsOf(own);
    for (let i = from; i < to; i++) {
      const member = members[i]!;
      const [low, high] = [words[2 * member]!, words[2 * member + 1]!];
      let key = 0;
      for (const bit of band) key = (key << 1) | bitOf(low, high, bit);
      parts[2 * (i - from)] = member;
      parts[2 * (i - from) + 1] = key;
    }
    own.sort();
    spent += SORTING * (to - from);
    const found: [number, number][] = [];
    for (let first = from, i = from; i < to; i++) {
      members[i] = parts[2 * (i - from)]!;
      const isLast = i + 1 === to || parts[2 * (i - from) + 3] !== parts[2 * (i - from) + 1];
      if (isLast && i > first) found.push([first, i + 1]);
      if (isLast) first = i + 1;
    }
    return found;
  }

  /** One by one with those before. The group that most are of stands first, and grows: who is near to one of it need not be compared with the others. */
  function* compare(from: number, to: number, done: number): Generator<number, void> {
    let grown = gather(from, to);
    for (let i = grown; i < to; i++) {
      const a = members[i]!;
      const one = nextNear(from, grown, i);
      const isOfIt = one < grown;
      if (isOfIt) join(groups, a, members[one]!);
      for (let k = nextNear(grown, i, i); k < i; k = nextNear(k + 1, i, i)) join(groups, a, members[k]!);
      spent += one - from + i - grown;
      if (isOfIt) swap(i, grown++);
      if (isTime()) yield done;
    }
  }

  /** Puts those of the most frequent group first. Returns where they end. */
  function gather(from: number, to: number): number {
    // Boyer and Moore's vote: what more than half are is left at the end.
    let votes = 0;
    let most = 0;
    for (let i = from; i < to; i++) {
      const member = members[i]!;
      lows[i] = words[2 * member]!;
      highs[i] = words[2 * member + 1]!;
      const group = firstOf(groups, member);
      if (votes === 0) most = group;
      votes += group === most ? 1 : -1;
    }
    let end = from;
    for (let i = from; i < to; i++) if (firstOf(groups, members[i]!) === most) swap(i, end++);
    return end;
  }

  /** The first place whose hash is near to that of the place `at`, or else the end. */
  function nextNear(from: number, to: number, at: number): number {
    const [low, high] = [lows[at]!, highs[at]!];
    let k = from;
    while (k < to && bitCount(low ^ lows[k]!, high ^ highs[k]!) > distance) k++;
    return k;
  }

  function swap(i: number, k: number): void {
    for (const list of [members, lows, highs]) [list[i], list[k]] = [list[k]!, list[i]!];
  }

  if (members.length > 1) yield* divide(0, members.length, 0, 1);
}

const BITS = Array.from({ length: 64 }, (_, bit) => bit);

function bitOf(low: number, high: number, bit: number): number {
  return ((bit < 32 ? low : high) >>> (bit & 31)) & 1;
}

/** Two words a number, the low one first: every machine that Node runs on is little-endian. */
export function wordsOf(values: BigUint64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
}

/** Ones in two words of 32 bits. Warren (2013), "Hacker's Delight", figure 5-2, for both at once from sums of four bits on. */
export function bitCount(low: number, high: number): number {
  const x = low - ((low >>> 1) & 0x5555_5555);
  const y = high - ((high >>> 1) & 0x5555_5555);
  const both = (x & 0x3333_3333) + ((x >>> 2) & 0x3333_3333) + (y & 0x3333_3333) + ((y >>> 2) & 0x3333_3333);
  return Math.imul((both & 0x0f0f_0f0f) + ((both >>> 4) & 0x0f0f_0f0f), 0x0101_0101) >>> 24;
}
