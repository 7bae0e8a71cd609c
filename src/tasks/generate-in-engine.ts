/**
 * @file A prompt to pictures, top to bottom: open the checkpoint, settle what will be done, encode the prompts, walk down
 * the noise levels, decode, write. Runs in the engine's process.
 */

import { realpath } from "node:fs/promises";
import { basename } from "node:path";
import { noiseSource } from "../base/random/noise.ts";
import type { ModelHashes } from "../formats/hash.ts";
import { encodePng } from "../formats/png/index.ts";
import { type EncodedPrompt, encodePrompts } from "../pipeline/conditioning.ts";
import { type ConditioningAt, unetCall } from "../pipeline/denoise.ts";
import { type AnswerWarning, firstAnswerHeld } from "../pipeline/first-answer.ts";
import type { RgbImage } from "../pipeline/image.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { previewOf } from "../pipeline/preview.ts";
import { planPrompt } from "../pipeline/prompt/plan.ts";
import { cellOf, sheetOf, squared, squareOf } from "../pipeline/sheet.ts";
import { decodeLatents, type Latents } from "../pipeline/vae.ts";
import type { Weights } from "../runtime/weights.ts";
import { guidedDenoise, initialLatents } from "../sampling/index.ts";
import { chooseLoras, type LoraWarning } from "./choose-loras.ts";
import { conditioningOf, layoutOf, split } from "./drawing.ts";
import { engineThreads } from "./engine-threads.ts";
import { fileHashes } from "./file-hashes.ts";
import type { GenerateEvent } from "./generate-events.ts";
import type { GenerateOptions } from "./generate-options.ts";
import { loadedPipeline } from "./loaded-pipeline.ts";
import { openPictureFolder } from "./picture-file.ts";
import { pictureGraph } from "./picture-graph.ts";
import { type PictureHashes, picturePngText } from "./picture-text.ts";
import { type Settled, settle } from "./settle.ts";

type Events<T = void> = AsyncGenerator<GenerateEvent, T>;

export async function* generateInEngine(options: GenerateOptions, signal: AbortSignal): Events {
  const begin = performance.now();
  yield { type: "stage", stage: "open", message: `opening ${basename(options.model)}` };
  const { warning: tooManyThreads } = engineThreads(options.threads);
  if (tooManyThreads) yield { type: "warning", ...tooManyThreads };
  const pipeline = await loadedPipeline(options);
  for (const warning of await applyLoras(options, pipeline)) yield { type: "warning", ...warning };
  const settled = await settle(options, pipeline);
  const { warnings, settings, memoryBytes } = settled;
  for (const warning of warnings) yield { type: "warning", ...warning };

  yield { type: "stage", stage: "text", message: "reading the prompts" };
  const prompts = (await encodePrompts(pipeline, settled.plans)) as [EncodedPrompt, EncodedPrompt];
  for (const finding of prompts.flatMap(({ findings }) => findings)) yield { type: "warning", ...finding };
  const conditioningAt = conditioningOf(settled, prompts);
  yield { type: "settings", settings, memoryBytes };

  const hashes = yield* hashesOf(options, pipeline);
  const graph = pictureGraph(options, settled, pipeline);
  const folder = options.outDir === undefined ? undefined : await openPictureFolder(options.outDir);
  const cells: RgbImage[] = [];
  const seeds = settings.seeds;
  for (let start = 0; start < seeds.length && !signal.aborted; start += options.batch) {
    const batch = seeds.slice(start, start + options.batch);
    const latents = yield* walk(options, settled, pipeline, conditioningAt, { batch, start });
    for (const [i, one] of latents.entries()) {
      const image = yield* decode(settled, pipeline, one);
      const seed = batch[i]!;
      const { infotext, comfy } = picturePngText(options, settings, seed, hashes, graph);
      const texts = [["parameters", infotext] as const, ...(comfy === undefined ? [] : [["prompt", comfy] as const])];
      const png = encodePng(image, texts);
      const path = await folder?.picture(seed, png);
      yield { type: "picture", index: start + i, seed, image, png, infotext, ...(path && { path }) };
      if (options.grid) cells.push(await cellOf(image, squareOf(seeds.length)));
    }
  }
  if (cells.length > 0) {
    const image = sheetOf(squared(cells));
    const path = await folder?.sheet(encodePng(image));
    yield { type: "grid", image, ...(path && { path }) };
  }
  const seconds = (performance.now() - begin) / 1000;
  yield { type: "done", pictures: seeds.length, seconds, peakBytes: process.resourceUsage().maxRSS * 1024 };
}

/** Those of the options, and those that the prompt asks for. */
async function applyLoras(options: GenerateOptions, pipeline: Pipeline): Promise<readonly LoraWarning[]> {
  const syntax = options.emphasis === "comfyui" ? "comfyui" : "a1111";
  const { loras: tags } = planPrompt(options.prompt, pipeline.tokenizer, { syntax });
  const { requests, warnings } = await chooseLoras(options.loras ?? [], tags, options.model);
  await pipeline.setLoras(requests);
  return warnings;
}

/** Of the UNet's file, which in a single-file checkpoint is the checkpoint, of a VAE that was named, and of LoRAs. */
async function* hashesOf({ vae }: GenerateOptions, pipeline: Pipeline): Events<PictureHashes> {
  const { checkpoint } = pipeline;
  const fileOf = (weights: Weights | undefined) => [...(weights?.values() ?? [])][0]?.path;
  const hash = async function* (path: string | undefined): Events<ModelHashes | undefined> {
    if (path === undefined) return undefined;
    const walk = fileHashes(path);
    for (let told = 0; ; ) {
      const { done, value } = await walk.next();
      if (done) return value;
      const percent = Math.floor((100 * value.bytes) / value.total);
      if (percent < told + 5) continue;
      told = percent;
      yield { type: "stage", stage: "open", message: `hashing ${basename(path)}, once: ${percent} %` };
    }
  };
  const model = yield* hash(fileOf(checkpoint.weights.unet));
  const other = yield* hash(vae === undefined ? undefined : fileOf(checkpoint.weights.vae));
  const loras = new Map<string, Pick<ModelHashes, "modelHash" | "addnetHash">>();
  const places = new Map<string, Set<string>>();
  for (const { file } of pipeline.loras()) {
    places.set(file.name, (places.get(file.name) ?? new Set()).add(await realpath(file.path)));
    loras.set(file.name, (yield* hash(file.path))!);
  }
  for (const [name, { size }] of places) if (size > 1) yield { type: "warning", ...sameName(name) };
  return {
    ...(model && { model: model.modelHash }),
    ...(other && { vae: other.modelHash }),
    ...(loras.size > 0 && { loras }),
  };
}

const sameName = (name: string) => ({
  message: `two LoRAs are called ${name}; pictures tell LoRAs by their names, and the hash of the last one`,
  hint: "Rename a file, for the picture to be made again from what it says.",
});

/** From noise to one picture's latents a seed. */
async function* walk(
  options: GenerateOptions,
  settled: Settled,
  pipeline: Pipeline,
  conditioningAt: ConditioningAt,
  { batch, start }: { batch: readonly number[]; start: number },
): Events<Latents[]> {
  const { settings, schedule, sampler, noiseModel, guidance } = settled;
  const layout = layoutOf(settled, pipeline, batch.length);
  const colours = options.preview > 0 ? await pipeline.latentColours() : undefined;
  if (!pipeline.shelf.has("unet")) yield { type: "stage", stage: "unet", message: "opening the UNet" };
  const unet = await pipeline.shelf.take("unet", settled.unetSizes);

  const noise = noiseSource(options.noise, batch[0]!, [layout.batch, layout.channels, layout.height, layout.width]);
  const x = initialLatents(noise(), schedule.sigmas[0]!, options.startNoise);
  const plain = unetCall(unet, layout, conditioningAt);
  const doubts: AnswerWarning[] = [];
  const doubt = (warning: AnswerWarning) => doubts.push(warning);
  const { prediction } = noiseModel;
  const network = start === 0 ? firstAnswerHeld(plain, prediction.type, schedule.sigmas[0]!, doubt) : plain;
  const denoise = guidedDenoise(prediction, network, guidance, layout);
  const steps = sampler(denoise, x, schedule.sigmas, { noise: () => noise(), ...settled.samplerOptions });
  const count = schedule.sigmas.length - 1;
  for (let began = performance.now(); ; began = performance.now()) {
    const { done, value } = await steps.next();
    for (const warning of doubts.splice(0)) yield { type: "warning", ...warning };
    if (done) return split(value, layout);
    const shown = colours !== undefined && (value.index + 1) % options.preview === 0 ? colours : undefined;
    yield {
      type: "step",
      batch: Math.floor(start / options.batch),
      batches: Math.ceil(settings.seeds.length / options.batch),
      step: value.index + 1,
      steps: count,
      done: start * count + (value.index + 1) * batch.length,
      total: settings.seeds.length * count,
      sigma: value.sigma,
      seconds: (performance.now() - began) / 1000,
      ...(shown && { previews: split(value.denoised, layout).map((one) => previewOf(one, shown)) }),
    };
  }
}

async function* decode(settled: Settled, pipeline: Pipeline, latents: Latents): Events<RgbImage> {
  const config = pipeline.checkpoint.configs.vae!;
  if (!pipeline.shelf.has("vaeDecoder")) yield { type: "stage", stage: "vae", message: "opening the VAE" };
  const session = await pipeline.shelf.take("vaeDecoder", settled.decodeSizes);
  const tiles = decodeLatents(session, config, latents, settled.tiling);
  for (;;) {
    const { done, value } = await tiles.next();
    if (done) return value;
    yield { type: "stage", stage: "decode", message: `decoding tile ${value.tile} of ${value.tiles}` };
  }
}
