/**
 * @file Normal numbers as PyTorch's CPU generator gives them, so that a seed means the picture that it means elsewhere.
 *
 * PyTorch has two ways. Fewer than 16 numbers: Box-Muller in double from 53-bit uniforms, whose second half is kept for
 * the next such call. From 16 on: float32 uniforms of 24 bits, turned into normals in blocks of 16, and when 16 does
 * not divide the count, the last 16 numbers are drawn once more. Integers and normals are those of PyTorch's x86 builds
 * bit for bit; where PyTorch runs without AVX2, its own normals differ from these in the last two or three bits.
 */

import { logFloat32, sinCosFloat32 } from "./float32.ts";
import { mersenneTwister } from "./mersenne-twister.ts";
import { type Seed, seedBits } from "./seed.ts";

/** Draws `count` standard normals; each call goes on where the last one ended. */
export type NormalGenerator = { randn(count: number): Float32Array };

/**
 * The generator after `torch.Generator("cpu").manual_seed(seed)`. Only the seed's low 32 bits matter, as in PyTorch.
 */
export function torchGenerator(seed: Seed): NormalGenerator {
  const next = mersenneTwister(Number(seedBits(seed) & 0xffffffffn));
  let kept: number | undefined;

  function uniform53(): number {
    const high = next();
    const low = next();
    return ((high & 0x1fffff) * 2 ** 32 + low) * 2 ** -53;
  }

  function single(): number {
    if (kept !== undefined) {
      const value = kept;
      kept = undefined;
      return value;
    }
    const angle = 2 * Math.PI * uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-uniform53()));
    kept = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  const uniform24 = () => (next() & 0xffffff) * 2 ** -24;

  function blocks(out: Float32Array): void {
    for (let i = 0; i < out.length; i++) out[i] = uniform24();
    for (let start = 0; start + 16 <= out.length; start += 16) boxMuller16(out, start);
    if (out.length % 16 === 0) return;
    const tail = out.length - 16;
    for (let i = tail; i < out.length; i++) out[i] = uniform24();
    boxMuller16(out, tail);
  }

  return {
    randn(count) {
      const out = new Float32Array(count);
      if (count >= 16) blocks(out);
      else for (let i = 0; i < count; i++) out[i] = single();
      return out;
    },
  };
}

const TWO_PI = Math.fround(2 * Math.PI);

/**
 * Eight radii from out[start..+8], eight angles from the eight after them; each step rounds to float32 as PyTorch's.
 */
function boxMuller16(out: Float32Array, start: number): void {
  const { fround } = Math;
  for (let i = start; i < start + 8; i++) {
    const radius = fround(Math.sqrt(fround(-2 * logFloat32(fround(1 - out[i]!)))));
    const { sin, cos } = sinCosFloat32(fround(TWO_PI * out[i + 8]!));
    out[i] = radius * cos;
    out[i + 8] = radius * sin;
  }
}
