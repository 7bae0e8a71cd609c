/** @file The flags of `generate` that set an option of the picture: one row each, in the order in which help shows them. */

import type { GenerateOptions } from "../tasks/generate-options.ts";
import type { FlagTable } from "./schema-flags.ts";

export const GROUPS = {
  picture: "Picture:",
  sampling: "Sampling:",
  conditioning: "Conditioning:",
  model: "Model:",
  output: "Output:",
} as const;

const picture = { group: GROUPS.picture };
const sampling = { group: GROUPS.sampling };
const conditioning = { group: GROUPS.conditioning };
const pixels = { group: GROUPS.conditioning, value: "pixels" };
const negative = { ...pixels, hidden: true } as const;
const model = { group: GROUPS.model };
const output = { group: GROUPS.output };

export const generateFlags: FlagTable<keyof GenerateOptions> = {
  prompt: { ...picture, short: "p" },
  negativePrompt: { ...picture, short: "n", also: ["negative"] },
  width: { ...picture, short: "W", value: "pixels" },
  height: { ...picture, short: "H", value: "pixels" },
  seed: { ...picture },
  count: { ...picture, short: "c", also: ["batch-count", "n-iter", "images-per-prompt"] },
  batch: { ...picture, short: "b", also: ["batch-size"] },

  steps: { ...sampling, short: "s", also: ["sampling-steps", "num-inference-steps"] },
  cfg: { ...sampling, also: ["cfg-scale", "guidance-scale", "scale"] },
  cfgRescale: { ...sampling, also: ["guidance-rescale", "rescale-cfg"] },
  cfgFrom: { ...sampling, value: "sigma" },
  cfgTo: { ...sampling, value: "sigma" },
  sampler: { ...sampling, value: "name", also: ["sampler-name", "sampling-method"] },
  schedule: { ...sampling, value: "name", also: ["scheduler", "schedule-type"] },
  eta: { ...sampling },
  noise: { ...sampling, also: ["rng"] },
  startNoise: { ...sampling },
  prediction: { ...sampling, also: ["prediction-type"] },
  zeroSnr: { ...sampling, also: ["ztsnr", "zero-terminal-snr"] },
  shift: { ...sampling },
  timesteps: { ...sampling },

  emphasis: { ...conditioning },
  commaBacktrack: { ...conditioning, value: "tokens" },
  emptyNegative: { ...conditioning },
  clipSkip: { ...conditioning },
  originalWidth: { ...pixels },
  originalHeight: { ...pixels },
  cropTop: { ...pixels },
  cropLeft: { ...pixels },
  targetWidth: { ...pixels },
  targetHeight: { ...pixels },
  negativeOriginalWidth: { ...negative },
  negativeOriginalHeight: { ...negative },
  negativeCropTop: { ...negative },
  negativeCropLeft: { ...negative },
  negativeTargetWidth: { ...negative },
  negativeTargetHeight: { ...negative },

  model: {
    ...model,
    short: "m",
    value: "path",
    also: ["checkpoint", "ckpt"],
    help: "checkpoint: a .safetensors file, a diffusers folder, or a name (see below) [default: see below]",
  },
  vae: { ...model, value: "path" },
  loras: { ...model, long: "lora", value: "path[:x]" },
  vaeTile: { ...model, also: ["vae-tiling"] },
  threads: { ...model, short: "t" },
  memory: { ...model, value: "GiB" },

  outDir: {
    ...output,
    value: "folder",
    also: ["outdir", "output-dir"],
    help: "folder for pictures, made if need be [default: outputs/<date>]",
  },
  grid: { ...output },
  preview: { ...output, long: "preview-every" },
};
