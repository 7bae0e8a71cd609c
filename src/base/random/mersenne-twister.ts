/**
 * @file MT19937, the generator behind PyTorch's CPU seeds. Matsumoto and Nishimura (1998), "Mersenne Twister: A
 * 623-dimensionally equidistributed uniform pseudo-random number generator", with the 2002 initialisation.
 */

const N = 624;
const M = 397;

/** Each call gives the next 32-bit integer, 0 to 2^32 - 1. */
export function mersenneTwister(seed: number): () => number {
  const state = new Uint32Array(N);
  state[0] = seed;
  for (let i = 1; i < N; i++) {
    const before = state[i - 1]!;
    state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
  }
  let position = N;
  return () => {
    if (position === N) {
      twist(state);
      position = 0;
    }
    let y = state[position++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < N; i++) {
    const y = (state[i]! & 0x80000000) | (state[(i + 1) % N]! & 0x7fffffff);
    state[i] = state[(i + M) % N]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  }
}
