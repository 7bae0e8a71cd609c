/** @file What one batch of pictures is drawn from, and taken apart into: what `generate` and `evaluate` share. */

import { vaeFactor } from "../models/sdxl/config.ts";
import { atCall, type EncodedPrompt, timeIdsOf } from "../pipeline/conditioning.ts";
import type { Conditioning, ConditioningAt, LatentLayout } from "../pipeline/denoise.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Latents } from "../pipeline/vae.ts";
import type { Settled } from "./settle.ts";

/** Of both encoded prompts; what holds at a call follows from prompt editing's steps. */
export function conditioningOf(
  settled: Settled,
  [positive, negative]: readonly [EncodedPrompt, EncodedPrompt],
): ConditioningAt {
  const join = ({ states, tokens, pooled }: EncodedPrompt["parts"][0]["schedule"][0]["context"], ids: number[]) =>
    ({ context: states, tokens, pooled, timeIds: ids }) satisfies Conditioning;
  const zeroed = (one: Conditioning): Conditioning =>
    settled.zeroNegative ? { ...one, context: one.context.map(() => 0), pooled: one.pooled.map(() => 0) } : one;
  const ids = timeIdsOf(settled.size);
  const negativeIds = timeIdsOf(settled.negativeSize);
  return (call) => {
    const at = (schedule: EncodedPrompt["parts"][0]["schedule"]) => atCall(schedule, call).context;
    return {
      conditional: positive.parts.map(({ weight, schedule }) => ({ weight, conditioning: join(at(schedule), ids) })),
      unconditional: zeroed(join(at(negative.parts[0]!.schedule), negativeIds)),
    };
  };
}

/** Latents of so many pictures of the settled size. */
export function layoutOf({ settings }: Settled, { checkpoint: { configs } }: Pipeline, batch: number): LatentLayout {
  const factor = vaeFactor(configs.vae!);
  return {
    batch,
    channels: configs.unet.inChannels,
    height: settings.height / factor,
    width: settings.width / factor,
  };
}

/** Each picture's own latents. */
export function split(data: Float32Array, { batch, height, width }: LatentLayout): Latents[] {
  const length = data.length / batch;
  return Array.from({ length: batch }, (_, i) => ({
    data: data.subarray(i * length, (i + 1) * length),
    height,
    width,
  }));
}
