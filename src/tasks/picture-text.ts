/**
 * @file What a picture says of itself: A1111's infotext, with this project's own fields behind the usual ones, and a
 * ComfyUI graph. The field `Illustrious` holds every option of the picture as JSON, so that it can be made again.
 */

import { comfyGraph } from "../formats/comfy-graph.ts";
import { formatInfotext } from "../formats/infotext.ts";
import {
  lookUpSampler,
  lookUpSchedule,
  type ScheduleName,
  samplerLabels,
  scheduleLabels,
  startsUnitInA1111,
} from "../sampling/index.ts";
import type { EffectiveSettings } from "./generate-events.ts";
import { type GenerateOptions, generateOptions } from "./generate-options.ts";
import { fileName, type PictureOption, pictureOptions } from "./picture-draft.ts";

/** First ten hexadecimal digits of each file's sha256. */
export type PictureHashes = { readonly model?: string; readonly vae?: string };

export type PictureText = {
  /** For the PNG key `parameters`. */
  readonly infotext: string;
  /** For the PNG key `prompt`. */
  readonly comfy: string;
};

/**
 * @param options as asked for
 * @param settings as settled for all pictures of the run
 * @param seed of this picture
 */
export function picturePngText(
  options: GenerateOptions,
  settings: EffectiveSettings,
  seed: number,
  hashes: PictureHashes,
): PictureText {
  const { prompt, negativePrompt } = options;
  const fields = [...a1111Fields(options, settings, seed, hashes), ...ownFields(options, settings, seed)];
  return {
    infotext: formatInfotext({ prompt, negativePrompt, fields }),
    comfy: JSON.stringify(graphOf(options, settings, seed)),
  };
}

type Field = readonly [key: string, value: string | number | undefined];

/** A1111's spelling; it writes the mode only when it is not this project's default, which is its own too. */
export const EMPHASIS_LABELS: Record<GenerateOptions["emphasis"], string | undefined> = {
  original: undefined,
  "no-norm": "No norm",
  ignore: "Ignore",
  none: "None",
  comfyui: "ComfyUI",
};

/** In A1111's order. */
function a1111Fields(
  options: GenerateOptions,
  settings: EffectiveSettings,
  seed: number,
  hashes: PictureHashes,
): Field[] {
  const known = hashes.model !== undefined || hashes.vae !== undefined;
  return [
    ["Steps", options.steps],
    ["Sampler", samplerLabels[lookUpSampler(settings.sampler).name].label],
    ["Schedule type", scheduleLabels[lookUpSchedule(settings.schedule)]],
    ["CFG scale", options.cfg],
    ["Seed", seed],
    ["Size", `${settings.width}x${settings.height}`],
    ["Model hash", hashes.model],
    ["Model", withoutExtension(settings.model)],
    ["VAE hash", hashes.vae],
    ["VAE", options.vae === undefined ? undefined : fileName(options.vae)],
    ["Clip skip", options.clipSkip === 2 ? undefined : options.clipSkip],
    ["RNG", options.noise.toUpperCase()],
    ["Eta", options.eta],
    ["Emphasis", EMPHASIS_LABELS[options.emphasis]],
    ["SGM noise multiplier", startsUnit(options, settings) ? "True" : undefined],
    ["CFG Rescale", options.cfgRescale === 0 ? undefined : options.cfgRescale],
    ["Hashes", known ? JSON.stringify(hashes) : undefined],
  ];
}

/** Where A1111 has a choice, which it writes only so. Its DDIM and UniPC have none. */
function startsUnit({ startNoise }: GenerateOptions, { sampler }: EffectiveSettings): boolean {
  return startNoise === "unit" && !startsUnitInA1111(lookUpSampler(sampler).name);
}

function ownFields(options: GenerateOptions, settings: EffectiveSettings, seed: number): Field[] {
  return [
    ["Prediction", settings.prediction],
    ["Zero SNR", settings.zeroSnr],
    ["Shift", options.shift],
    ["Sigmas", settings.sigmas.map(sigmaText).join(" ")],
    ["Engine", settings.engine],
    ["Illustrious", JSON.stringify(portableOptions(options, settings, seed))],
  ];
}

/** Six digits tell any two levels of a schedule apart. */
function sigmaText(sigma: number): string {
  return Number.isFinite(sigma) ? String(Number(sigma.toPrecision(6))) : "inf";
}

/**
 * The options of this one picture, with every gap filled in. Files are named without their folders: where they lie is
 * nobody's business, and elsewhere it is wrong.
 */
function portableOptions(
  options: GenerateOptions,
  settings: EffectiveSettings,
  seed: number,
): Partial<GenerateOptions> {
  const { prediction, zeroSnr } = generateOptions.shape;
  const resolved: GenerateOptions = {
    ...options,
    model: fileName(options.model),
    seed,
    width: settings.width,
    height: settings.height,
    sampler: settings.sampler,
    schedule: settings.schedule,
    prediction: prediction.parse(settings.prediction),
    zeroSnr: zeroSnr.parse(settings.zeroSnr),
    ...(options.vae !== undefined && { vae: fileName(options.vae) }),
  };
  // In the schema's order, so that a repeated picture is the same file.
  const keys = Object.keys(pictureOptions.shape) as PictureOption[];
  return Object.fromEntries(keys.map((key) => [key, resolved[key]]));
}

function withoutExtension(name: string): string {
  return name.replace(/\.safetensors$/i, "");
}

/** Schedules that ComfyUI does not have, and what comes nearest there. */
const COMFY_SCHEDULES: Readonly<Partial<Record<ScheduleName, string>>> = {
  beta_forge: "beta",
  ays: "normal",
  trailing: "simple",
  leading: "ddim_uniform",
  linspace: "normal",
};

function graphOf(options: GenerateOptions, settings: EffectiveSettings, seed: number): object {
  const { prediction } = settings;
  const schedule = lookUpSchedule(settings.schedule);
  return comfyGraph({
    checkpoint: settings.model,
    prompt: options.prompt,
    negativePrompt: options.negativePrompt,
    width: settings.width,
    height: settings.height,
    seed,
    steps: options.steps,
    cfg: options.cfg,
    sampler: settings.sampler,
    scheduler: COMFY_SCHEDULES[schedule] ?? schedule,
    ...(prediction === "v" && { prediction: "v_prediction" as const }),
    ...(prediction === "v" && settings.zeroSnr !== "off" && { zsnr: true }),
    ...(options.cfgRescale > 0 && { rescaleCfg: options.cfgRescale }),
  });
}
