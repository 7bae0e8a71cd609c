/** @file What will really be done: the options with every gap filled in from the checkpoint, checked before any work. */

import { randomInt } from "node:crypto";
import { basename, resolve } from "node:path";
import { IllustriousError } from "../base/error.ts";
import { usualSide, vaeFactor } from "../models/sdxl/config.ts";
import { isZeroSnrUnknown } from "../models/sdxl/prediction.ts";
import type { SizeConditioning } from "../pipeline/conditioning.ts";
import { type NoiseModel, noiseModelOf } from "../pipeline/noise-model.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { type PromptOptions, type PromptPlan, planPrompt } from "../pipeline/prompt/plan.ts";
import { type NamedSizes, noVae, type Part, peakBytes } from "../pipeline/shelf.ts";
import { type Tiling, tileExtent, tilingFor } from "../pipeline/vae.ts";
import {
  callsPerStep,
  checkCombination,
  type GuidanceOptions,
  lookUpSampler,
  lookUpSchedule,
  type Sampler,
  type SamplerOptions,
  type Schedule,
  scheduleFor,
} from "../sampling/index.ts";
import { loraWarnings } from "./choose-loras.ts";
import type { EffectiveSettings } from "./generate-events.ts";
import type { GenerateOptions } from "./generate-options.ts";

type Warning = { readonly message: string; readonly hint?: string };

export type Settled = {
  readonly settings: EffectiveSettings;
  readonly warnings: readonly Warning[];
  /** Of the prompt and of the negative prompt. */
  readonly plans: readonly [PromptPlan, PromptPlan];
  /** The negative prompt is empty and stands for zeros, not for the encoding of nothing. */
  readonly zeroNegative: boolean;
  readonly size: SizeConditioning;
  readonly negativeSize: SizeConditioning;
  readonly schedule: Schedule;
  readonly sampler: Sampler;
  readonly samplerOptions: SamplerOptions;
  readonly noiseModel: NoiseModel;
  readonly guidance: GuidanceOptions;
  /** Named sizes of the UNet's runs and of the decoder's. */
  readonly unetSizes: Readonly<Record<string, number>>;
  readonly decodeSizes: Readonly<Record<string, number>>;
  /** The picture is decoded in tiles. */
  readonly tiling: Tiling | undefined;
  /** The largest moment's estimate. */
  readonly memoryBytes: number;
};

/** @throws IllustriousError for combinations that cannot give a picture, and when it cannot fit in memory */
export async function settle(options: GenerateOptions, pipeline: Pipeline): Promise<Settled> {
  const { checkpoint } = pipeline;
  const { configs, prediction: detection } = checkpoint;
  if (!configs.vae) throw noVae(checkpoint);
  const factor = vaeFactor(configs.vae);
  const own = usualSide({ unet: configs.unet, vae: configs.vae });
  const { width = own, height = own, steps } = options;

  const noiseModel = noiseModelOf(detection, {
    zeroSnr: options.zeroSnr,
    shift: options.shift,
    rounding: options.timesteps,
  });
  const named = lookUpSampler(options.sampler);
  const scheduleName = options.schedule === undefined ? (named.schedule ?? "normal") : lookUpSchedule(options.schedule);
  const guidance: GuidanceOptions = {
    scale: options.cfg,
    rescale: options.cfgRescale,
    ...((options.cfgFrom !== undefined || options.cfgTo !== undefined) && {
      interval: [options.cfgFrom ?? -1, options.cfgTo ?? Number.POSITIVE_INFINITY] as const,
    }),
  };
  const findings = await checkCombination({
    sampler: named.name,
    schedule: scheduleName,
    steps,
    prediction: detection.prediction,
    table: noiseModel.table,
    guidance,
    eta: options.eta,
  });
  const refusal = findings.find(({ level }) => level === "refusal");
  if (refusal) throw new IllustriousError("unsupported", refusal.message, refusal.hint);
  const schedule = scheduleFor(named.name, scheduleName, noiseModel.table, steps);

  const plans = plansOf(options, pipeline, steps * callsPerStep(named.name));
  const tokens = plans.map(tokensOf) as [number, number];
  const chunks = Math.max(...plans.map(chunksOf));
  const size: SizeConditioning = {
    originalHeight: options.originalHeight ?? height,
    originalWidth: options.originalWidth ?? width,
    cropTop: options.cropTop,
    cropLeft: options.cropLeft,
    targetHeight: options.targetHeight ?? height,
    targetWidth: options.targetWidth ?? width,
  };
  const negativeSize: SizeConditioning = {
    originalHeight: options.negativeOriginalHeight ?? size.originalHeight,
    originalWidth: options.negativeOriginalWidth ?? size.originalWidth,
    cropTop: options.negativeCropTop ?? size.cropTop,
    cropLeft: options.negativeCropLeft ?? size.cropLeft,
    targetHeight: options.negativeTargetHeight ?? size.targetHeight,
    targetWidth: options.negativeTargetWidth ?? size.targetWidth,
  };

  const first = options.seed === -1 ? randomInt(2 ** 32 - 1) : options.seed;
  const seeds = Array.from({ length: options.count }, (_, i) => first + i);
  const latent = { height: height / factor, width: width / factor };
  const parts = plans[0].parts.length;
  const halves = options.cfg === 1 ? parts : parts + 1;
  const unetSizes = { ...latent, batch: halves * Math.min(options.batch, options.count), tokens: 77 * chunks };
  const tiling = tilingFor(options.vaeTile, latent);
  const decodeSizes = { batch: 1, ...tileExtent(latent, tiling) };
  const texts = plans.reduce((sum, plan) => sum + textsOf(plan).reduce((n, { chunks: list }) => n + list.length, 0), 0);
  const order: (readonly [Part, NamedSizes])[] = [
    ["textEncoder", { texts }],
    ["textEncoder2", { texts }],
    ["unet", unetSizes],
    ["vaeDecoder", decodeSizes],
  ];
  const footprints = order.map(([part, sizes]) => [part, pipeline.shelf.footprint(part, sizes)] as const);
  const memoryBytes = PROCESS + peakBytes(footprints, pipeline.budget);
  refuseUnlessItFits(memoryBytes, pipeline.budget.limit);

  const { zeroSnr } = noiseModel.table;
  const emptyNegative = emptyNegativeOf(options, checkpoint.zerosForEmptyPrompt);
  return {
    settings: {
      // `.` has a name, too.
      model: basename(resolve(checkpoint.path)),
      width,
      height,
      steps: schedule.sigmas.length - 1,
      sampler: named.name,
      schedule: scheduleName,
      prediction: detection.prediction,
      zeroSnr: zeroSnr === false ? "off" : zeroSnr,
      confidence: detection.confidence,
      emptyNegative,
      // Above a size "auto" has tiles of its own, for which there is no other word.
      vaeTile: tiling ? options.vaeTile : "off",
      sigmas: schedule.sigmas,
      timesteps: schedule.timesteps,
      seeds,
      tokens,
      chunks,
      loras: pipeline.loras().map(({ file, textEncoder, unet }) => ({ name: file.name, textEncoder, unet })),
      engine: pipeline.engine,
      evidence: detection.evidence.map(({ source, says }) => `${source}: ${says}`),
    },
    warnings: [
      ...detection.conflicts.map((message) => ({ message })),
      ...(detection.confidence === "guess" ? [guessWarning(detection.prediction)] : []),
      ...(isZeroSnrUnknown(detection) ? [ZERO_SNR_UNKNOWN] : []),
      ...findings.map(({ message, hint }) => ({ message, hint })),
      ...plans.flatMap((plan) => plan.warnings.map((message) => ({ message }))),
      ...loraWarnings(pipeline.loras(), detection.prediction),
      ...[...new Set(plans[1].loras.map(({ name }) => name))].map(negativeLora),
      ...(isNegativeIdle(options, plans) ? [NEGATIVE_IDLE] : []),
    ],
    plans,
    zeroNegative: emptyNegative === "zeros" && options.negativePrompt.trim() === "",
    size,
    negativeSize,
    schedule,
    sampler: named.sampler,
    samplerOptions: options.eta === undefined ? {} : { eta: options.eta },
    noiseModel,
    guidance,
    unetSizes,
    decodeSizes,
    tiling,
    memoryBytes,
  };
}

/** The engine's process with nothing loaded: Node, ONNX Runtime's library, the tokenizer. */
const PROCESS = 160 * 2 ** 20;

function refuseUnlessItFits(needed: number, budget: number): void {
  if (needed <= budget) return;
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toPrecision(3)} GiB`;
  throw new IllustriousError(
    "not_enough_memory",
    `this needs about ${gib(needed)} of memory, and ${gib(budget)} may be used`,
    "Make the size or the batch smaller, close other programs, or raise --memory.",
  );
}

function guessWarning(prediction: string): Warning {
  return {
    message: `that the model predicts ${prediction} is a guess`,
    hint: "A wrong one gives grey, burnt or noisy pictures: state it with --prediction and --zero-snr.",
  };
}

const ZERO_SNR_UNKNOWN: Warning = {
  message:
    "the model predicts v, and nothing says whether it was trained with zero terminal SNR: it is sampled without",
  hint: "Many such models are: if pictures come out grey or washed out, try --zero-snr exact; --zero-snr off if they are right.",
};

function negativeLora(name: string): Warning {
  const message = `the LoRA ${name} stands in the negative prompt and is left out`;
  return {
    message,
    hint: "A LoRA changes both halves: ask for it in the prompt, with a strength below 0 to turn it round.",
  };
}

/** Without guidance it is only read for parts joined by AND. */
function isNegativeIdle({ cfg, negativePrompt }: GenerateOptions, [{ parts }]: Settled["plans"]): boolean {
  return cfg === 1 && negativePrompt.trim() !== "" && parts.length === 1;
}

const NEGATIVE_IDLE: Warning = {
  message: "the negative prompt does nothing at guidance 1",
  hint: "Raise the guidance or leave the negative prompt out.",
};

/** A1111 zeroes both encoders' outputs, pooled too; ComfyUI encodes; a diffusers folder says which its pipeline does. */
function emptyNegativeOf({ emptyNegative, emphasis }: GenerateOptions, ofFolder?: boolean): "zeros" | "encode" {
  if (emptyNegative !== "auto") return emptyNegative;
  return (ofFolder ?? emphasis !== "comfyui") ? "zeros" : "encode";
}

/** @param steps as prompt editing counts them */
function plansOf(options: GenerateOptions, { tokenizer }: Pipeline, steps: number): [PromptPlan, PromptPlan] {
  const { emphasis, commaBacktrack } = options;
  const how: PromptOptions =
    emphasis === "comfyui"
      ? { syntax: "comfyui", emphasis: "comfy", steps }
      : { syntax: "a1111", emphasis, commaBacktrack, steps };
  return [
    planPrompt(options.prompt, tokenizer, how),
    planPrompt(options.negativePrompt, tokenizer, { ...how, isNegative: true }),
  ];
}

const textsOf = ({ parts }: PromptPlan) => parts.flatMap(({ schedule }) => schedule);

const chunksOf = (plan: PromptPlan): number => Math.max(...textsOf(plan).map(({ sections }) => sections));

/** Of the longest text; start, end and padding are not counted. */
function tokensOf(plan: PromptPlan): number {
  const counts = textsOf(plan).map(({ chunks, sections }) =>
    chunks.slice(0, sections).reduce((sum, { end }) => sum + end - 1, 0),
  );
  return Math.max(...counts);
}
