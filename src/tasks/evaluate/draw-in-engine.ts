/**
 * @file Pictures of one prompt, for `evaluate`, in the engine's process: what `generate` draws with the same options and seeds, without
 * files and texts, and if wanted with the first step's guess at the clean picture.
 */

import { noiseFor } from "../../base/random/noise.ts";
import { vaeFactor } from "../../models/sdxl/config.ts";
import { type EncodedPrompt, encodePrompts, timeIdsOf } from "../../pipeline/conditioning.ts";
import { type Conditioning, type LatentLayout, unetCall } from "../../pipeline/denoise.ts";
import type { RgbImage } from "../../pipeline/image.ts";
import type { Pipeline } from "../../pipeline/pipeline.ts";
import { decodeLatents, type Latents } from "../../pipeline/vae.ts";
import { guidedDenoise, initialLatents } from "../../sampling/index.ts";
import type { GenerateOptions } from "../generate-options.ts";
import { loadedPipeline } from "../loaded-pipeline.ts";
import { type Settled, settle } from "../settle.ts";
import type { Drawn } from "./judge.ts";

export type DrawRequest = {
  /** Its prompt has neither AND nor editing, as no caption has. */
  readonly options: GenerateOptions;
  /** One a picture, all drawn together. */
  readonly seeds: readonly number[];
  readonly traced: boolean;
};

export type DrawEvent =
  | { readonly type: "warning"; readonly message: string; readonly hint?: string | undefined }
  | { readonly type: "step"; readonly step: number; readonly steps: number }
  | { readonly type: "drawn"; readonly seed: number; readonly drawn: Drawn };

export async function* drawInEngine({ options, seeds, traced }: DrawRequest): AsyncGenerator<DrawEvent, void> {
  const pipeline = await loadedPipeline(options);
  await pipeline.setLoras([]);
  const settled = await settle({ ...options, seed: 0, count: seeds.length, batch: seeds.length }, pipeline);
  for (const warning of settled.warnings) yield { type: "warning", ...warning };
  const prompts = (await encodePrompts(pipeline, settled.plans)) as [EncodedPrompt, EncodedPrompt];

  const { configs } = pipeline.checkpoint;
  const factor = vaeFactor(configs.vae!);
  const { schedule, settings } = settled;
  const layout: LatentLayout = {
    batch: seeds.length,
    channels: configs.unet.inChannels,
    height: settings.height / factor,
    width: settings.width / factor,
  };
  const unet = await pipeline.shelf.take("unet", settled.unetSizes);
  const network = unetCall(unet, layout, () => conditioningOf(settled, prompts));
  const denoise = guidedDenoise(settled.noiseModel.prediction, network, settled.guidance, layout);
  const noise = noiseOf(options, seeds, layout);
  const walk = settled.sampler(denoise, initialLatents(noise, schedule.sigmas[0]!), schedule.sigmas);
  let first: Float32Array | undefined;
  let next = await walk.next();
  for (; !next.done; next = await walk.next()) {
    if (next.value.index === 0) first = next.value.denoised;
    yield { type: "step", step: next.value.index + 1, steps: schedule.sigmas.length - 1 };
  }
  for (const [i, seed] of seeds.entries()) {
    const last = pictureOf(next.value, layout, i);
    const image = await decode(settled, pipeline, last);
    if (!traced || !first) {
      yield { type: "drawn", seed, drawn: { image } };
      continue;
    }
    const guess = pictureOf(first, layout, i);
    const trace = {
      first: await decode(settled, pipeline, guess),
      firstLargest: largest(guess.data),
      lastLargest: largest(last.data),
    };
    yield { type: "drawn", seed, drawn: { image, trace } };
  }
}

/** Seeds need not follow each other: prompts take turns. */
function noiseOf({ noise }: GenerateOptions, seeds: readonly number[], layout: LatentLayout): Float32Array {
  const { channels, height, width } = layout;
  const all = new Float32Array(seeds.length * channels * height * width);
  for (const [i, seed] of seeds.entries()) {
    all.set(noiseFor(noise, seed, [1, channels, height, width]), i * channels * height * width);
  }
  return all;
}

function conditioningOf({ size, negativeSize, zeroNegative }: Settled, prompts: [EncodedPrompt, EncodedPrompt]) {
  const one = ({ parts }: EncodedPrompt, timeIds: number[]): Conditioning => {
    const { states: context, tokens, pooled } = parts[0]!.schedule[0]!.context;
    return { context, tokens, pooled, timeIds };
  };
  const negative = one(prompts[1], timeIdsOf(negativeSize));
  const zeros = { context: negative.context.map(() => 0), pooled: negative.pooled.map(() => 0) };
  return {
    conditional: [{ weight: 1, conditioning: one(prompts[0], timeIdsOf(size)) }],
    unconditional: zeroNegative ? { ...negative, ...zeros } : negative,
  };
}

function pictureOf(data: Float32Array, { batch, height, width }: LatentLayout, index: number): Latents {
  const length = data.length / batch;
  return { data: data.subarray(index * length, (index + 1) * length), height, width };
}

async function decode(settled: Settled, pipeline: Pipeline, latents: Latents): Promise<RgbImage> {
  const session = await pipeline.shelf.take("vaeDecoder", settled.decodeSizes);
  const tiles = decodeLatents(session, pipeline.checkpoint.configs.vae!, latents, settled.tiling);
  for (;;) {
    const { done, value } = await tiles.next();
    if (done) return value;
  }
}

const largest = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
