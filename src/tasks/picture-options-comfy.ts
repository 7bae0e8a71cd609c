/** @file A job read from a ComfyUI graph as options, with ComfyUI's ways of weighing words and of finding timesteps. */

import type { ComfyJob } from "../formats/comfy-graph.ts";
import type { ComfyReading } from "../formats/comfy-graph-read.ts";
import { lookUpSampler, lookUpSchedule } from "../sampling/index.ts";
import { writeLoraChoice } from "./lora-choice.ts";
import { type Draft, type PictureOption, take } from "./picture-draft.ts";
import { COMFYUI } from "./picture-options-infotext.ts";

export function readComfyJob({ job, notes }: ComfyReading, draft: Draft): void {
  draft.notes.push(...notes);
  if (Object.keys(job).length === 0) return;
  const { options } = draft;
  Object.assign(options, COMFYUI);
  const plain: readonly (readonly [PictureOption, keyof ComfyJob])[] = [
    ["model", "checkpoint"],
    ["vae", "vae"],
    ["clipSkip", "clipSkip"],
    ["prompt", "prompt"],
    ["negativePrompt", "negativePrompt"],
    ["width", "width"],
    ["height", "height"],
    ["seed", "seed"],
    ["steps", "steps"],
    ["cfg", "cfg"],
    ["cfgRescale", "rescaleCfg"],
  ];
  for (const [name, field] of plain)
    if (job[field] !== undefined) take(draft, name, job[field], `${field}: ${job[field]}`);
  if (job.prediction !== undefined) options.prediction = job.prediction === "v_prediction" ? "v" : job.prediction;
  if (job.shift !== undefined) take(draft, "shift", job.shift, `shift: ${job.shift}`);
  if (job.zeroNegative) options.emptyNegative = "zeros";
  if (job.zsnr !== undefined) options.zeroSnr = job.zsnr ? "comfyui" : "off";
  if (job.loras) {
    const loras = job.loras.map(({ name, strengthModel: unet, strengthClip: textEncoder }) =>
      writeLoraChoice({ name, textEncoder, unet }),
    );
    take(draft, "loras", loras, `loras: ${loras.join(", ")}`);
  }
  readNames(job, draft);
  if (job.denoise !== undefined && job.denoise < 1) {
    draft.unused.push(`denoise: ${job.denoise}`);
    draft.notes.push(
      "It was made from another picture (img2img), which it does not hold; it is drawn from noise here.",
    );
  }
}

function readNames({ sampler, scheduler }: Partial<ComfyJob>, draft: Draft): void {
  try {
    // ComfyUI's ddim is its Euler on another schedule, and has no noise of its own.
    if (sampler !== undefined) draft.options.sampler = sampler === "ddim" ? "euler" : lookUpSampler(sampler).name;
  } catch {
    draft.unused.push(`sampler: ${sampler}`);
  }
  try {
    if (scheduler !== undefined) draft.options.schedule = lookUpSchedule(scheduler);
  } catch {
    draft.unused.push(`scheduler: ${scheduler}`);
  }
}
