/**
 * @file Whether ComfyUI's own nodes can make a picture again, and the job that asks them to. A graph that opens and draws
 * another picture would be worse than none, so where they cannot, the reasons stand in its place.
 *
 * Small differences are let pass: ComfyUI's stand-in for an infinite sigma, and its rounding of timesteps.
 */

import type { ComfyJob, ComfyLora } from "../formats/comfy-graph.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { takeTags } from "../pipeline/prompt/loras.ts";
import { type PromptPlan, planPrompt } from "../pipeline/prompt/plan.ts";
import {
  discreteTable,
  lookUpSampler,
  lookUpSchedule,
  type NoiseTable,
  type SamplerName,
  type ScheduleName,
  scheduleFor,
} from "../sampling/index.ts";
import type { EffectiveSettings } from "./generate-events.ts";
import type { GenerateOptions } from "./generate-options.ts";
import { fileName, isVaeFolder } from "./picture-draft.ts";
import type { Settled } from "./settle.ts";

/** The job but for the picture's seed, or why there is none. */
export type PictureGraph =
  | { readonly job: Omit<ComfyJob, "seed"> }
  | { readonly job?: undefined; readonly obstacles: readonly string[] };

type Facts = Pick<Settled, "settings" | "plans" | "noiseModel" | "zeroNegative" | "size" | "negativeSize" | "schedule">;

export function pictureGraph(
  options: GenerateOptions,
  settled: Facts,
  { checkpoint, tokenizer }: Pick<Pipeline, "checkpoint" | "tokenizer">,
): PictureGraph {
  const { settings, noiseModel, zeroNegative } = settled;
  const { table } = noiseModel;
  const sampler = lookUpSampler(settings.sampler).name;
  const scheduler = schedulerFor(lookUpSchedule(settings.schedule), settled, sampler);
  // To ComfyUI the tags of LoRAs are text; it has nodes for them.
  const isTheirs = options.emphasis === "comfyui";
  const textOf = (text: string) => (isTheirs ? text : takeTags(text).text);
  const [prompt, negativePrompt] = [textOf(options.prompt), textOf(options.negativePrompt)];
  const texts = zeroNegative ? [prompt] : [prompt, negativePrompt];
  const plain = texts.every((text, i) => {
    const theirs = planPrompt(text, tokenizer, { syntax: "comfyui", emphasis: "comfy" });
    return isReadAlike(settled.plans[i]!, theirs, isTheirs);
  });
  const obstacles = [
    checkpoint.kind === "diffusers" && "the checkpoint is a folder, not a file",
    options.vae !== undefined && isVaeFolder(options.vae) && "the VAE is a folder, not a file",
    options.noise !== "cpu" && "the noise is that of an NVIDIA card",
    options.startNoise !== "unit" && "the starting noise is A1111's",
    !isRepeatable(sampler, options.eta) && `the noise that ${sampler} adds is drawn otherwise there`,
    scheduler === undefined && `the noise levels of ${settings.schedule} are not to be had there`,
    !isOfComfyUi(table) && "the model's noise levels are not those it takes SDXL to have",
    table.family === "flow" && !/^(euler|ddim)$/.test(sampler) && `${sampler} steps otherwise through a flow there`,
    !plain && "the prompts are read otherwise there",
    !isPlainSize(settled) && "the size conditioning is not the picture's size",
    (options.cfgFrom !== undefined || options.cfgTo !== undefined) && "guidance is on for some steps only",
  ].filter((one) => one !== false);
  if (scheduler === undefined || obstacles.length > 0) return { obstacles };
  return {
    job: {
      checkpoint: settings.model,
      ...(options.vae !== undefined && { vae: fileName(options.vae) }),
      clipSkip: options.clipSkip,
      ...(settings.loras.length > 0 && { loras: settings.loras.map(comfyLora) }),
      prompt,
      negativePrompt: zeroNegative ? "" : negativePrompt,
      zeroNegative,
      width: settings.width,
      height: settings.height,
      steps: options.steps,
      cfg: options.cfg,
      // What ComfyUI calls ddim is its Euler, which is the same at eta 0.
      sampler: sampler === "ddim" ? "euler" : sampler,
      scheduler,
      ...samplingOf(settings.prediction, table),
      ...(options.cfgRescale > 0 && { rescaleCfg: options.cfgRescale }),
    },
  };
}

function comfyLora({ name, textEncoder, unet }: EffectiveSettings["loras"][number]): ComfyLora {
  return { name: `${name}.safetensors`, strengthModel: unet, strengthClip: textEncoder };
}

/** Its fresh noise comes from other generators, and in another order; DDIM has none at eta 0. */
function isRepeatable(sampler: SamplerName, eta: number | undefined): boolean {
  if (sampler === "ddim") return (eta ?? 0) === 0;
  return !/ancestral|sde/.test(sampler);
}

const SCHEDULERS: readonly ScheduleName[] = [
  "normal",
  "sgm_uniform",
  "simple",
  "ddim_uniform",
  "karras",
  "exponential",
  "beta",
  "kl_optimal",
];

/** Of a flow's time, not of its sigma as it is here; and `normal` begins elsewhere there when it is shifted. */
const FLOW_SCHEDULERS: readonly ScheduleName[] = ["simple", "ddim_uniform", "beta"];

/** ComfyUI's scheduler of the same levels. Diffusers' spacings are often one of its own in other words. */
function schedulerFor(
  own: ScheduleName,
  { schedule, noiseModel, settings }: Facts,
  sampler: SamplerName,
): string | undefined {
  const { table } = noiseModel;
  const there = table.family === "flow" ? FLOW_SCHEDULERS : SCHEDULERS;
  if (there.includes(own)) return own;
  return there.find((name) => isAlike(scheduleFor(sampler, name, table, settings.steps).sigmas, schedule.sigmas));
}

/** Within a thousandth, which no eye sees. */
function isAlike(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  return Array.from(a).every((x, i) => x === b[i] || Math.abs(x - b[i]!) <= 1e-3 * Math.abs(b[i]!));
}

/** What its nodes can be told; a table that is trained otherwise, or shifted, they cannot. */
function isOfComfyUi(table: NoiseTable): boolean {
  if (table.family === "discrete") return isAlike(table.sigmas, discreteTable({ zeroSnr: table.zeroSnr }).sigmas);
  return table.family === "flow" || table.sigmaData === 1;
}

function samplingOf(prediction: string, table: NoiseTable): Partial<ComfyJob> {
  if (table.family === "flow") return { prediction: "flow", shift: table.shift };
  if (table.family === "edm") {
    return { prediction: "edm_v", sigmaMin: table.sigmas[0]!, sigmaMax: table.sigmas.at(-1)! };
  }
  return prediction === "v" ? { prediction: "v_prediction", zsnr: table.zeroSnr !== false } : {};
}

/** The same tokens in the same chunks; weights only where they act alike. */
function isReadAlike(ours: PromptPlan, theirs: PromptPlan, isTheirs: boolean): boolean {
  const [part, ...otherParts] = ours.parts;
  const [text, ...otherTexts] = part!.schedule;
  if (otherParts.length > 0 || otherTexts.length > 0) return false;
  const other = theirs.parts[0]!.schedule[0]!;
  if (text!.sections !== other.sections) return false;
  const chunks = text!.chunks.slice(0, text!.sections);
  return chunks.every(({ ids, weights }, i) => {
    const chunk = other.chunks[i]!;
    const isPlain = [...weights, ...chunk.weights].every((weight) => weight === 1);
    return (isTheirs || isPlain) && isEqual(ids, chunk.ids) && isEqual(weights, chunk.weights);
  });
}

function isEqual(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.from(a).every((x, i) => x === b[i]);
}

function isPlainSize({ size, negativeSize, settings }: Facts): boolean {
  const { width, height } = settings;
  return [size, negativeSize].every(
    (one) =>
      one.originalWidth === width &&
      one.originalHeight === height &&
      one.targetWidth === width &&
      one.targetHeight === height &&
      one.cropTop === 0 &&
      one.cropLeft === 0,
  );
}
