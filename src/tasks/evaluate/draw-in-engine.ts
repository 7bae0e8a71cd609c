/**
 * @file Pictures of one prompt, for `evaluate`, in the engine's process: what `generate` draws with the same options and seeds, without
 * files and texts, and if wanted with the first step's guess at the clean picture and how far each step's goes.
 */

import { noiseFor } from "../../base/random/noise.ts";
import { type EncodedPrompt, encodePrompts } from "../../pipeline/conditioning.ts";
import { type LatentLayout, unetCall } from "../../pipeline/denoise.ts";
import { type AnswerWarning, firstAnswerHeld } from "../../pipeline/first-answer.ts";
import type { RgbImage } from "../../pipeline/image.ts";
import type { Pipeline } from "../../pipeline/pipeline.ts";
import { decodeLatents, type Latents } from "../../pipeline/vae.ts";
import { guidedDenoise, initialLatents } from "../../sampling/index.ts";
import { conditioningOf, layoutOf, split } from "../drawing.ts";
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

  const { schedule } = settled;
  const layout = layoutOf(settled, pipeline, seeds.length);
  const unet = await pipeline.shelf.take("unet", settled.unetSizes);
  const { prediction } = settled.noiseModel;
  const plain = unetCall(unet, layout, conditioningOf(settled, prompts));
  const doubts: AnswerWarning[] = [];
  const doubt = (warning: AnswerWarning) => doubts.push(warning);
  const network = firstAnswerHeld(plain, prediction.type, schedule.sigmas[0]!, doubt);
  const denoise = guidedDenoise(prediction, network, settled.guidance, layout);
  const noise = noiseOf(options, seeds, layout);
  const walk = settled.sampler(denoise, initialLatents(noise, schedule.sigmas[0]!), schedule.sigmas);
  let first: Float32Array | undefined;
  const largest: number[][] = seeds.map(() => []);
  let next = await walk.next();
  for (; !next.done; next = await walk.next()) {
    for (const warning of doubts.splice(0)) yield { type: "warning", ...warning };
    if (next.value.index === 0) first = next.value.denoised;
    if (traced) {
      for (const [i, { data }] of split(next.value.denoised, layout).entries()) largest[i]!.push(largestOf(data));
    }
    yield { type: "step", step: next.value.index + 1, steps: schedule.sigmas.length - 1 };
  }
  const finals = split(next.value, layout);
  const guesses = traced && first ? split(first, layout) : undefined;
  for (const [i, seed] of seeds.entries()) {
    const last = finals[i]!;
    const image = await decode(settled, pipeline, last);
    const guess = guesses?.[i];
    if (!guess) {
      yield { type: "drawn", seed, drawn: { image } };
      continue;
    }
    const trace = {
      first: await decode(settled, pipeline, guess),
      largest: largest[i]!,
      lastLargest: largestOf(last.data),
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

async function decode(settled: Settled, pipeline: Pipeline, latents: Latents): Promise<RgbImage> {
  const session = await pipeline.shelf.take("vaeDecoder", settled.decodeSizes);
  const tiles = decodeLatents(session, pipeline.checkpoint.configs.vae!, latents, settled.tiling);
  for (;;) {
    const { done, value } = await tiles.next();
    if (done) return value;
  }
}

const largestOf = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
