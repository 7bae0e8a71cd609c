/** @file A1111's, Forge's and kindred infotexts as options. What each field means here, in one table. */

import type { Infotext } from "../formats/infotext.ts";
import { lookUpSampler, lookUpSchedule, samplerLabels, startsUnitInA1111 } from "../sampling/index.ts";
import { type Draft, type PictureOption, take } from "./picture-draft.ts";

type Fields = ReadonlyMap<string, string>;
type Read = (value: string, draft: Draft, key: string, fields: Fields) => void;

export function readInfotext({ prompt, negativePrompt, fields: written }: Infotext, draft: Draft): void {
  draft.options.prompt = prompt;
  draft.options.negativePrompt = negativePrompt;
  // Nodes for ComfyUI that imitate A1111 write keys in other cases.
  const fields: Fields = new Map([...written].map(([key, value]) => [key.toLowerCase(), value]));
  Object.assign(draft.options, /comfyui/i.test(fields.get("version") ?? "") ? COMFYUI : A1111);
  for (const [key, value] of written) {
    const name = key.toLowerCase();
    const read = READERS.get(name) ?? (IGNORED.test(name) ? nothing : unused);
    read(value, draft, key, fields);
  }
  noteWhatWasElse(fields, draft);
}

/**
 * What A1111 does unless it writes otherwise: the graphics card's generator, zeros for no negative prompt, and starting
 * noise of strength sigma.
 */
const A1111 = { noise: "nv", emptyNegative: "zeros", startNoise: "sigma" } as const;

/** What ComfyUI's pictures have in common. */
export const COMFYUI = { noise: "cpu", emphasis: "comfyui", emptyNegative: "encode", timesteps: "nearest" } as const;

const nothing: Read = () => {};

const unused: Read = (value, draft, key) => {
  draft.unused.push(`${key}: ${value}`);
};

/** About the picture, but no setting. */
const IGNORED =
  /^(version|user|model hash|vae hash|hashes|created date|lora hashes|engine|sigmas|comfyui graph|illustrious|civitai metadata)$/;

function number(name: PictureOption): Read {
  return (value, draft, key) => take(draft, name, value.trim() === "" ? value : Number(value), `${key}: ${value}`);
}

function text(name: PictureOption): Read {
  return (value, draft, key) => take(draft, name, value, `${key}: ${value}`);
}

const EMPHASIS: Readonly<Record<string, string>> = {
  original: "original",
  "no norm": "no-norm",
  ignore: "ignore",
  none: "none",
  comfyui: "comfyui",
};

const READERS: ReadonlyMap<string, Read> = new Map<string, Read>([
  ["steps", number("steps")],
  ["sampler", readSampler],
  // Read with the sampler.
  ["schedule type", nothing],
  ["cfg scale", number("cfg")],
  ["seed", number("seed")],
  ["size", readSize],
  ["model", text("model")],
  ["vae", text("vae")],
  // Forge's word for files beside the checkpoint; with SDXL that is the VAE.
  ["module 1", text("vae")],
  ["clip skip", readClipSkip],
  [
    "rng",
    (value, draft, key) => take(draft, "noise", value === "GPU" ? "nv" : value.toLowerCase(), `${key}: ${value}`),
  ],
  [
    "sgm noise multiplier",
    (value, draft, key) => take(draft, "startNoise", value === "True" ? "unit" : value, `${key}: ${value}`),
  ],
  ["eta", number("eta")],
  ["eta ddim", number("eta")],
  [
    "emphasis",
    (value, draft, key) => take(draft, "emphasis", EMPHASIS[value.toLowerCase()] ?? value, `${key}: ${value}`),
  ],
  // The same extension under its three names, and SD.Next's.
  ["cfg rescale", number("cfgRescale")],
  ["cfg rescale φ", number("cfgRescale")],
  ["cfg rescale phi", number("cfgRescale")],
  ["prediction", text("prediction")],
  ["zero snr", text("zeroSnr")],
  ["shift", number("shift")],
  ["noise schedule", readNoiseSchedule],
  ["civitai resources", readCivitaiResources],
]);

/** Old labels end in the schedule; new ones have a field for it, in which `Automatic` is the sampler's own. */
function readSampler(value: string, draft: Draft, key: string, fields: Fields): void {
  const named = attempt(() => lookUpSampler(value));
  if (!named) {
    draft.unused.push(`${key}: ${value}`);
    return;
  }
  draft.options.sampler = named.name;
  if (startsUnitInA1111(named.name)) draft.options.startNoise = "unit";
  const type = fields.get("schedule type") ?? "Automatic";
  const automatic = named.schedule ?? samplerLabels[named.name].automatic;
  // The web UIs' Beta is another curve than ComfyUI's of that name.
  const schedule =
    type === "Automatic" ? automatic : type === "Beta" ? "beta_forge" : attempt(() => lookUpSchedule(type));
  if (schedule) {
    draft.options.schedule = schedule;
    return;
  }
  draft.unused.push(`Schedule type: ${type}`);
}

function attempt<T>(lookUp: () => T): T | undefined {
  try {
    return lookUp();
  } catch {
    return undefined;
  }
}

function readSize(value: string, draft: Draft, key: string): void {
  const [, width, height] = /^(\d{1,6})x(\d{1,6})$/.exec(value) ?? [];
  if (width === undefined || height === undefined) {
    draft.unused.push(`${key}: ${value}`);
    return;
  }
  // As the web UIs do it: what does not fill a latent pixel falls away.
  const whole = (side: string) => Number(side) - (Number(side) % 8);
  take(draft, "width", whole(width), `${key}, width: ${width}`);
  take(draft, "height", whole(height), `${key}, height: ${height}`);
}

/**
 * On SDXL, A1111 always takes the layer before the last, whatever this field says, and Forge at least that one. Forge's
 * versions begin with an f, this project's with its name, and it obeys.
 */
function readClipSkip(value: string, draft: Draft, key: string, fields: Fields): void {
  const layers = Number(value);
  if (fields.get("version")?.startsWith("illustrious ")) {
    take(draft, "clipSkip", layers, `${key}: ${value}`);
    return;
  }
  if (layers === 1 || layers === 2) return;
  if (fields.get("version")?.startsWith("f")) take(draft, "clipSkip", layers, `${key}: ${value}`);
  else draft.notes.push(`Clip skip ${value} is left out: on SDXL, A1111 writes it down without obeying it.`);
}

/** A1111's switch, with the value that it and ComfyUI put for zero. */
function readNoiseSchedule(value: string, draft: Draft): void {
  if (value === "Zero Terminal SNR") draft.options.zeroSnr = "comfyui";
}

/** Names by which its site knows the files, which are no files' names. */
function readCivitaiResources(value: string, draft: Draft, key: string): void {
  const resources: unknown = attempt(() => JSON.parse(value));
  if (!Array.isArray(resources)) {
    draft.unused.push(`${key}: ${value}`);
    return;
  }
  const named = resources.map((one) => {
    const { type, modelName, modelVersionName, weight } = Object(one) as Record<string, unknown>;
    const names = [type, modelName, modelVersionName].filter((name) => typeof name === "string");
    return `${names.join(" ")}${typeof weight === "number" ? ` (weight ${weight})` : ""}`;
  });
  const hint = "to use them, say where they are with --model and --lora.";
  if (named.length > 0) draft.notes.push(`Civitai made it with ${named.join(", ")}; ${hint}`);
}

/** Pictures that came about by more than one pass over noise. */
function noteWhatWasElse(fields: Fields, draft: Draft): void {
  const keys = [...fields.keys()];
  const hires = keys.some((key) => key.startsWith("hires"));
  if (hires) draft.notes.push("It was made in two passes (hires fix); only the first is repeated, at its size.");
  else if (fields.has("denoising strength")) {
    draft.notes.push(
      "It was made from another picture (img2img), which it does not hold; it is drawn from noise here.",
    );
  }
  if (keys.some((key) => key.startsWith("adetailer")))
    draft.notes.push("ADetailer redrew parts of it, which is left out.");
  if (keys.some((key) => key.startsWith("controlnet"))) draft.notes.push("ControlNet steered it, which is left out.");
  if (fields.has("refiner")) draft.notes.push("A refiner took over at some step; here one model makes all steps.");
}
