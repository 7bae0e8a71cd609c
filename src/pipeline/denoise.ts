/** @file The UNet as the samplers' network: one call for both halves of guidance where their texts are equally long. */

import { float32, type Session, type Value } from "../runtime/runtime.ts";
import type { PairCall } from "../sampling/index.ts";

/** What a picture is conditioned on; one for all pictures of a batch. */
export type Conditioning = {
  /** Both encoders' states side by side [tokens, width]. */
  readonly context: Float32Array;
  readonly tokens: number;
  readonly pooled: Float32Array;
  /** Original height and width, crop top and left, target height and width. */
  readonly timeIds: readonly number[];
};

export type LatentLayout = {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
};

export function unetCall(
  session: Session,
  layout: LatentLayout,
  conditional: Conditioning,
  unconditional: Conditioning | undefined,
): PairCall {
  const one = async (input: Float32Array, timestep: number, halves: readonly Conditioning[]) => {
    const { output } = await session.run(unetFeeds(input, timestep, layout, halves));
    return output!.data as Float32Array;
  };
  return async (input, timestep, both) => {
    if (!both || !unconditional) return { conditional: await one(input, timestep, [conditional]) };
    if (unconditional.tokens !== conditional.tokens) {
      return {
        conditional: await one(input, timestep, [conditional]),
        unconditional: await one(input, timestep, [unconditional]),
      };
    }
    const output = await one(input, timestep, [unconditional, conditional]);
    return { unconditional: output.subarray(0, input.length), conditional: output.subarray(input.length) };
  };
}

/** Feeds for `halves.length` times the batch: all pictures under the first conditioning, then under the second. */
export function unetFeeds(
  input: Float32Array,
  timestep: number,
  { batch, channels, height, width }: LatentLayout,
  halves: readonly Conditioning[],
): Record<string, Value> {
  const rows = batch * halves.length;
  const repeated = (pick: (half: Conditioning) => ArrayLike<number>) => {
    const length = pick(halves[0]!).length;
    const out = new Float32Array(rows * length);
    for (let row = 0; row < rows; row++) out.set(pick(halves[Math.floor(row / batch)]!), row * length);
    return { data: out, length };
  };
  const sample = new Float32Array(input.length * halves.length);
  for (let half = 0; half < halves.length; half++) sample.set(input, half * input.length);
  const context = repeated((half) => half.context);
  const pooled = repeated((half) => half.pooled);
  const { tokens } = halves[0]!;
  return {
    sample: float32(sample, [rows, channels, height, width]),
    timestep: float32(new Float32Array(rows).fill(timestep), [rows]),
    context: float32(context.data, [rows, tokens, context.length / tokens]),
    pooled: float32(pooled.data, [rows, pooled.length]),
    timeIds: float32(repeated((half) => half.timeIds).data, [rows, 6]),
  };
}
