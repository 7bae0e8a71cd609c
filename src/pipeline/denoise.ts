/** @file The UNet as the samplers' network: one run for all conditionings of a step where their texts are equally long. */

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

/** A conditioning and its share of the guidance; prompts joined by AND have several, all others one of weight 1. */
export type Weighted = { readonly weight: number; readonly conditioning: Conditioning };

/** What holds at a call of the network, counted from 0: prompt editing changes it on the way. */
export type ConditioningAt = (call: number) => {
  readonly conditional: readonly Weighted[];
  readonly unconditional: Conditioning;
};

/**
 * Parts joined by AND become one conditional output, `unconditional + sum of weight * (part - unconditional)`: guidance is
 * linear, so guiding that is guiding with each part by its share. Liu et al. (2022), https://arxiv.org/abs/2206.01714.
 *
 * Counts its calls, so each walk needs one of its own. Neither the timestep nor sigma would do in place of the count: rounded
 * timesteps of neighbours may be equal, and Heun's second call of a step is at the sigma of the next step's first.
 */
export function unetCall(session: Session, layout: LatentLayout, at: ConditioningAt): PairCall {
  const outputs = async (input: Float32Array, timestep: number, wanted: readonly Conditioning[]) => {
    const sameLength = wanted.every(({ tokens }) => tokens === wanted[0]!.tokens);
    const groups = sameLength ? [wanted] : wanted.map((one) => [one]);
    const found: Float32Array[] = [];
    for (const group of groups) {
      const { output } = await session.run(unetFeeds(input, timestep, layout, group));
      const data = output!.data as Float32Array;
      group.forEach((_, i) => {
        found.push(data.subarray(i * input.length, (i + 1) * input.length));
      });
    }
    return found;
  };
  let call = 0;
  return async (input, timestep, both) => {
    const { conditional, unconditional } = at(call++);
    const [first] = conditional;
    const single = conditional.length === 1 && first!.weight === 1;
    if (single && !both) return { conditional: (await outputs(input, timestep, [first!.conditioning]))[0]! };
    const wanted = [unconditional, ...conditional.map(({ conditioning }) => conditioning)];
    const [none, ...parts] = (await outputs(input, timestep, wanted)) as [Float32Array, ...Float32Array[]];
    if (single) return { unconditional: none, conditional: parts[0]! };
    const joined = none.map((u, k) =>
      conditional.reduce((sum, { weight }, i) => sum + weight * (parts[i]![k]! - u), u),
    );
    return { unconditional: none, conditional: joined };
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
