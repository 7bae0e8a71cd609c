/**
 * @file Random numbers whose whole state is a few plain numbers, so that a run goes on bit for bit after a restart.
 * Philox4x32-10 (Salmon et al. 2011) is a function of a key and a counter: the seed is the key, and the counter holds
 * the stream's number and the position in it. Streams of one seed are independent of each other; a trainer gives each
 * purpose one of its own, so that turning one thing off does not move the numbers of another.
 */

import { philox } from "../base/random/philox.ts";
import { type Seed, seedBits } from "../base/random/seed.ts";

/** Plain data; drawing moves `position` and nothing else. */
export type RandomState = { key: [low: number, high: number]; stream: number; position: number };

/** The beginning of a stream, 0 to 2^53 - 1. */
export function randomState(seed: Seed, stream = 0): RandomState {
  const bits = seedBits(seed);
  return { key: [Number(bits & 0xffffffffn), Number(bits >> 32n)], stream, position: 0 };
}

const TWO_32 = 2 ** 32;

/** Two independent 32-bit integers. */
function nextPair(state: RandomState): [number, number] {
  const { key, stream, position } = state;
  state.position = position + 1;
  const [low, high] = [position >>> 0, Math.floor(position / TWO_32)];
  return philox(low, high, stream >>> 0, Math.floor(stream / TWO_32), key[0], key[1]);
}

/** Uniform on the open interval (0, 1), 52 bits. */
export function nextUniform(state: RandomState): number {
  const [x, y] = nextPair(state);
  return ((x >>> 6) * 2 ** 26 + (y >>> 6) + 0.5) * 2 ** -52;
}

/** A whole number from 0 to `count - 1`. */
export function nextInteger(state: RandomState, count: number): number {
  // The bias of 52 bits over a count below 2^32 is less than 1e-6 of a draw.
  return Math.floor(nextUniform(state) * count);
}

/** `count` standard normals by Box and Muller (1958). Every call begins a new pair. */
export function nextNormals(state: RandomState, count: number): Float32Array {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const [x, y] = nextPair(state);
    const radius = Math.sqrt(-2 * Math.log((x + 0.5) / TWO_32));
    const angle = (2 * Math.PI * (y + 0.5)) / TWO_32;
    out[i] = radius * Math.cos(angle);
    // Beyond an odd end the write is dropped, as typed arrays do.
    out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}

/** 0 to `count - 1` in random order: Fisher and Yates, as in Knuth (1969), Algorithm 3.4.2 P. */
export function nextPermutation(state: RandomState, count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const other = nextInteger(state, i + 1);
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}
