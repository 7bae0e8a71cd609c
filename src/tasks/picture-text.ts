/**
 * @file What a picture says of itself: A1111's infotext, with this project's own fields behind the usual ones, and a
 * ComfyUI graph. The field `Illustrious` holds every option of the picture as JSON, so that it can be made again.
 */

import { comfyGraph } from "../formats/comfy-graph.ts";
import { formatInfotext } from "../formats/infotext.ts";
import {
  lookUpSampler,
  lookUpSchedule,
  samplerLabels,
  scheduleLabels,
  startsUnitInA1111,
  takesEta,
} from "../sampling/index.ts";
import type { EffectiveSettings } from "./generate-events.ts";
import { type GenerateOptions, generateOptions } from "./generate-options.ts";
import { readLoraChoice } from "./lora-choice.ts";
import { fileName, type PictureOption, pictureOptions, portableLora, portableVae } from "./picture-draft.ts";
import type { PictureGraph } from "./picture-graph.ts";
import { VERSION } from "./version.ts";

export type PictureHashes = {
  /** First ten hexadecimal digits of each file's sha256. */
  readonly model?: string;
  readonly vae?: string;
  /** By their names. */
  readonly loras?: ReadonlyMap<string, { readonly modelHash: string; readonly addnetHash: string | undefined }>;
};

export type PictureText = {
  /** For the PNG key `parameters`. */
  readonly infotext: string;
  /** For the PNG key `prompt`; absent where ComfyUI could not repeat the picture, which the infotext then says. */
  readonly comfy?: string;
};

/**
 * @param options as asked for
 * @param settings as settled for all pictures of the run
 * @param seed of this picture
 * @param graph what ComfyUI needs for it
 */
export function picturePngText(
  options: GenerateOptions,
  settings: EffectiveSettings,
  seed: number,
  hashes: PictureHashes,
  graph: PictureGraph,
): PictureText {
  const { negativePrompt } = options;
  const prompt = withTags(options);
  const fields = [...a1111Fields(options, settings, seed, hashes), ...ownFields(options, settings, seed, graph)];
  return {
    infotext: formatInfotext({ prompt, negativePrompt, fields }),
    ...(graph.job && { comfy: JSON.stringify(comfyGraph({ ...graph.job, seed })) }),
  };
}

/** A1111 knows LoRAs only by tags in the prompt: those of the options are added there, for it to make the same picture. */
function withTags({ prompt, loras = [], emphasis }: GenerateOptions): string {
  if (loras.length === 0 || emphasis === "comfyui") return prompt;
  const tags = loras.map(readLoraChoice).map(({ name, textEncoder, unet }) => {
    const strengths = textEncoder === unet ? `${unet}` : `${textEncoder}:${unet}`;
    return `<lora:${withoutExtension(fileName(name))}:${strengths}>`;
  });
  return [prompt, ...tags].join(" ");
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
  const { loras = new Map(), ...files } = hashes;
  const byName = Object.fromEntries([...loras].map(([name, { modelHash }]) => [`lora:${name}`, modelHash]));
  const all = { ...files, ...byName };
  const short = [...loras].map(([name, { addnetHash }]) => `${name}: ${addnetHash}`).join(", ");
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
    ["VAE", options.vae === undefined ? undefined : portableVae(options.vae)],
    ["Clip skip", options.clipSkip === 2 ? undefined : options.clipSkip],
    ["RNG", options.noise.toUpperCase()],
    ["Eta", etaOf(options, settings)],
    ["Emphasis", EMPHASIS_LABELS[options.emphasis]],
    ["SGM noise multiplier", startsUnit(options, settings) ? "True" : undefined],
    ["CFG Rescale", options.cfgRescale === 0 ? undefined : options.cfgRescale],
    ["Lora hashes", short === "" ? undefined : short],
    ["Hashes", Object.keys(all).length > 0 ? JSON.stringify(all) : undefined],
    ["Version", `illustrious ${VERSION}`],
  ];
}

/** Where A1111 has a choice, which it writes only so. Its DDIM and UniPC have none. */
function startsUnit({ startNoise }: GenerateOptions, { sampler }: EffectiveSettings): boolean {
  return startNoise === "unit" && !startsUnitInA1111(lookUpSampler(sampler).name);
}

/** Left out where the sampler has none: a picture says what it was made with. */
function etaOf({ eta }: GenerateOptions, { sampler }: EffectiveSettings): number | undefined {
  return takesEta(lookUpSampler(sampler).name) ? eta : undefined;
}

function ownFields(options: GenerateOptions, settings: EffectiveSettings, seed: number, graph: PictureGraph): Field[] {
  return [
    ["Prediction", settings.prediction],
    ["Zero SNR", settings.zeroSnr],
    ["Shift", options.shift],
    ["Sigmas", settings.sigmas.map(sigmaText).join(" ")],
    ["Engine", settings.engine],
    ["ComfyUI graph", graph.job ? undefined : `none: ${graph.obstacles.join("; ")}`],
    ["Illustrious", JSON.stringify(portableOptions(options, settings, seed))],
  ];
}

/** Six digits tell any two levels of a schedule apart. */
function sigmaText(sigma: number): string {
  return Number.isFinite(sigma) ? String(Number(sigma.toPrecision(6))) : "inf";
}

/**
 * The options of this one picture, with every gap filled in. Files are named without the folders above them: where they
 * lie is nobody's business, and elsewhere it is wrong.
 */
function portableOptions(
  options: GenerateOptions,
  settings: EffectiveSettings,
  seed: number,
): Partial<GenerateOptions> {
  const { prediction, zeroSnr } = generateOptions.shape;
  const resolved: GenerateOptions = {
    ...options,
    model: settings.model,
    seed,
    width: settings.width,
    height: settings.height,
    sampler: settings.sampler,
    schedule: settings.schedule,
    prediction: prediction.parse(settings.prediction),
    zeroSnr: zeroSnr.parse(settings.zeroSnr),
    eta: etaOf(options, settings),
    emptyNegative: settings.emptyNegative,
    vaeTile: settings.vaeTile,
    ...(options.vae !== undefined && { vae: portableVae(options.vae) }),
    ...(options.loras && { loras: options.loras.map(portableLora) }),
  };
  // In the schema's order, so that a repeated picture is the same file.
  const keys = Object.keys(pictureOptions.shape) as PictureOption[];
  return Object.fromEntries(keys.map((key) => [key, resolved[key]]));
}

function withoutExtension(name: string): string {
  return name.replace(/\.safetensors$/i, "");
}
