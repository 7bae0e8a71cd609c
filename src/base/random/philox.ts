/**
 * @file Normal numbers as an NVIDIA card gives them, in the form that the A1111 web UI computes on the CPU ("RNG: NV").
 * Philox4x32-10: Salmon et al. (2011), "Parallel random numbers: as easy as 1, 2, 3". Number i of call k has the
 * counter (k, 0, i, 0) and the seed as key; of the four integers two are used, and of the two normals the sine. All in
 * float64, which gives the numbers that the web UI documents; the card's own float32 arithmetic differs in the seventh
 * digit.
 */

import { type Seed, seedBits } from "./seed.ts";
import type { NormalGenerator } from "./torch.ts";

/** The A1111 web UI's generator for one picture. */
export function philoxGenerator(seed: Seed): NormalGenerator {
  const key = seedBits(seed);
  const low = Number(key & 0xffffffffn);
  const high = Number(key >> 32n);
  let call = 0;
  return {
    randn(count) {
      const out = new Float32Array(count);
      for (let i = 0; i < count; i++) {
        const [x, y] = philox(call, 0, i, 0, low, high);
        const radius = Math.sqrt(-2 * Math.log((x + 0.5) * 2 ** -32));
        out[i] = radius * Math.sin(2 * Math.PI * (y + 0.5) * 2 ** -32);
      }
      call++;
      return out;
    },
  };
}

/** The first two of Philox's four output integers. */
export function philox(c0: number, c1: number, c2: number, c3: number, k0: number, k1: number): [number, number] {
  for (let round = 0; round < 10; round++) {
    const high0 = highProduct(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0);
    const high1 = highProduct(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1];
}

/** Upper half of a 32 x 32 bit product, by 16-bit halves so that every partial sum is exact in a double. */
function highProduct(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle % 0x10000);
  return aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000);
}
