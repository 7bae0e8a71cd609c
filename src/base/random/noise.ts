/** @file The noise of a batch of pictures: picture i has the seed `seed + i` and a generator of its own. */

import { IllustriousError } from "../error.ts";
import { philoxGenerator } from "./philox.ts";
import { type Seed, seedBits } from "./seed.ts";
import { torchGenerator } from "./torch.ts";

/** Whose noise: PyTorch's CPU generator, or an NVIDIA card's as the A1111 web UI computes it. */
export type NoiseOrigin = "cpu" | "nv";

/**
 * A source of standard normals of `shape` (batch first). The first call gives a picture's starting noise, the later
 * ones the fresh noise of stochastic samplers. A picture's numbers do not depend on the batch that it is drawn in.
 */
export function noiseSource(origin: NoiseOrigin, seed: Seed, shape: readonly number[]): () => Float32Array {
  const [batch, ...picture] = shape;
  if (batch === undefined || shape.some((size) => !Number.isInteger(size) || size < 1)) {
    throw new IllustriousError(
      "bad_shape",
      `noise of shape [${shape.join(", ")}]`,
      "Sizes are positive; batch comes first.",
    );
  }
  const first = seedBits(seed);
  const size = picture.reduce((product, n) => product * n, 1);
  const create = origin === "cpu" ? torchGenerator : philoxGenerator;
  const generators = Array.from({ length: batch }, (_, i) => create(BigInt.asUintN(64, first + BigInt(i))));
  return () => {
    const out = new Float32Array(batch * size);
    for (const [i, generator] of generators.entries()) out.set(generator.randn(size), i * size);
    return out;
  };
}

/** A batch's starting noise, shape `shape`, batch first. */
export function noiseFor(origin: NoiseOrigin, seed: Seed, shape: readonly number[]): Float32Array {
  return noiseSource(origin, seed, shape)();
}
