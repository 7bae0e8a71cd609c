/** @file What ComfyUI can repeat, by the numbers of the settled run, and the reasons where it cannot. */

import { expect, test } from "vitest";
import type { Checkpoint } from "../models/sdxl/checkpoint.ts";
import { loadTokenizer } from "../models/sdxl/tokenizer.ts";
import { type PromptOptions, planPrompt } from "../pipeline/prompt/plan.ts";
import {
  discreteTable,
  edmTable,
  flowTable,
  lookUpSampler,
  lookUpSchedule,
  makeSchedule,
  type NoiseTable,
  predictionFor,
} from "../sampling/index.ts";
import type { EffectiveSettings } from "./generate-events.ts";
import { type GenerateInput, generateOptions } from "./generate-options.ts";
import { type PictureGraph, pictureGraph } from "./picture-graph.ts";

const tokenizer = await loadTokenizer();

type Case = {
  table?: NoiseTable;
  prediction?: "eps" | "v" | "edm_v" | "flow";
  kind?: Checkpoint["kind"];
  zeroNegative?: boolean;
  loras?: EffectiveSettings["loras"];
};

function graphOf(input: Partial<GenerateInput>, how: Case = {}): PictureGraph {
  const options = generateOptions.parse({ model: "m.safetensors", prompt: "1girl, red hair", ...input });
  const {
    table = discreteTable({ zeroSnr: "exact" }),
    prediction = "v",
    kind = "single-file",
    zeroNegative = false,
  } = how;
  const { name } = lookUpSampler(options.sampler);
  const schedule = lookUpSchedule(options.schedule ?? "normal");
  const discardPenultimate = name.startsWith("uni_pc");
  const made = makeSchedule(schedule, table, options.steps, { discardPenultimate });
  const size = { width: options.width ?? 832, height: options.height ?? 1216 };
  const conditioning = {
    originalWidth: options.originalWidth ?? size.width,
    originalHeight: size.height,
    cropTop: options.cropTop,
    cropLeft: 0,
    targetWidth: size.width,
    targetHeight: size.height,
  };
  const settings: EffectiveSettings = {
    model: "m.safetensors",
    ...size,
    steps: made.sigmas.length - 1,
    sampler: name,
    schedule,
    prediction,
    zeroSnr: table.zeroSnr || "off",
    confidence: "certain",
    emptyNegative: "encode",
    vaeTile: "off",
    sigmas: made.sigmas,
    timesteps: made.timesteps,
    seeds: [1],
    tokens: [3, 0],
    chunks: 1,
    loras: how.loras ?? [],
    engine: "",
    evidence: [],
  };
  const syntax: PromptOptions =
    options.emphasis === "comfyui"
      ? { syntax: "comfyui", emphasis: "comfy" }
      : { syntax: "a1111", emphasis: options.emphasis, steps: options.steps };
  const plan = (text: string) => planPrompt(text, tokenizer, syntax);
  const settled = {
    settings,
    plans: [plan(options.prompt), plan(options.negativePrompt)] as const,
    noiseModel: { table, prediction: predictionFor(prediction, table) },
    zeroNegative,
    size: conditioning,
    negativeSize: conditioning,
    schedule: made,
  };
  return pictureGraph(options, settled, { checkpoint: { kind } as Checkpoint, tokenizer });
}

test("what ComfyUI can do: SDXL with zero SNR, another VAE, another text layer, zeros for the negative prompt", () => {
  const { job } = graphOf({ vae: "/home/x/vae.safetensors", clipSkip: 3, cfgRescale: 0.4 }, { zeroNegative: true });
  expect(job).toEqual({
    checkpoint: "m.safetensors",
    vae: "vae.safetensors",
    clipSkip: 3,
    prompt: "1girl, red hair",
    negativePrompt: "",
    zeroNegative: true,
    width: 832,
    height: 1216,
    steps: 28,
    cfg: 5,
    sampler: "euler",
    scheduler: "normal",
    prediction: "v_prediction",
    zsnr: true,
    rescaleCfg: 0.4,
  });
});

test("a VAE that is a folder is none of ComfyUI's", () => {
  expect(graphOf({ vae: "/home/x/mine/vae" })).toEqual({ obstacles: ["the VAE is a folder, not a file"] });
});

test("the models' families", () => {
  expect(graphOf({}, { prediction: "eps", table: discreteTable() }).job).not.toHaveProperty("prediction");
  expect(graphOf({}, { prediction: "edm_v", table: edmTable({ sigmaMax: 80 }) }).job).toMatchObject({
    prediction: "edm_v",
    sigmaMin: 0.002,
    sigmaMax: 80,
  });
  const flow = { prediction: "flow", table: flowTable({ shift: 2.5 }) } as const;
  expect(graphOf({ schedule: "simple" }, flow).job).toMatchObject({
    prediction: "flow",
    shift: 2.5,
    scheduler: "simple",
  });
});

test("its DDIM is Euler, and diffusers' spacings are its schedulers where the levels are the same", () => {
  expect(graphOf({ sampler: "ddim", steps: 10, schedule: "trailing" }).job).toMatchObject({
    sampler: "euler",
    scheduler: "simple",
  });
  expect(graphOf({ schedule: "trailing", steps: 28 }).job).toBeUndefined();
});

test("LoRAs are nodes, and their tags no text", () => {
  const loras = [{ name: "style", textEncoder: 0.5, unet: 0.8 }];
  expect(graphOf({ prompt: "1girl <lora:style:0.5:0.8>" }, { loras }).job).toMatchObject({
    prompt: expect.not.stringContaining("<"),
    loras: [{ name: "style.safetensors", strengthModel: 0.8, strengthClip: 0.5 }],
  });
});

test("weights: with ComfyUI's meaning, or none", () => {
  expect(graphOf({ prompt: "1girl, (red hair:1.2)", emphasis: "comfyui" }).job).toBeDefined();
  expect(graphOf({ prompt: "1girl, (red hair:1.2)", emphasis: "no-norm" }).job).toBeUndefined();
});

test.each<[string, Partial<GenerateInput>, Case, RegExp]>([
  ["a folder", {}, { kind: "diffusers" }, /folder/],
  ["NVIDIA's noise", { noise: "nv" }, {}, /NVIDIA/],
  ["A1111's start", { startNoise: "sigma" }, {}, /A1111/],
  ["fresh noise", { sampler: "euler_ancestral" }, {}, /euler_ancestral adds/],
  ["Brownian noise", { sampler: "dpmpp_2m_sde" }, {}, /dpmpp_2m_sde adds/],
  ["DDIM with noise", { sampler: "ddim", eta: 1 }, {}, /ddim adds/],
  ["levels that it lacks", { schedule: "ays" }, {}, /levels of ays/],
  ["a shifted model", {}, { table: discreteTable({ zeroSnr: "exact", shift: 2 }) }, /not those it takes/],
  ["other betas", {}, { table: discreteTable({ betaEnd: 0.02 }) }, /not those it takes/],
  ["karras in a flow", { schedule: "karras" }, { prediction: "flow", table: flowTable() }, /levels of karras/],
  [
    "a flow's second order",
    { sampler: "heun", schedule: "simple" },
    { prediction: "flow", table: flowTable() },
    /heun steps/,
  ],
  ["AND", { prompt: "a girl AND a cat" }, {}, /prompts/],
  ["editing", { prompt: "[red:blue:0.5] hair" }, {}, /prompts/],
  ["A1111's brackets", { prompt: "[red] hair" }, {}, /prompts/],
  ["a negative prompt with weights", { negativePrompt: "(text:1.4)" }, {}, /prompts/],
  ["BREAK", { prompt: "a girl BREAK a cat" }, {}, /prompts/],
  ["a crop", { cropTop: 8 }, {}, /size conditioning/],
  ["another original size", { originalWidth: 4096 }, {}, /size conditioning/],
  ["guidance for some steps", { cfgTo: 5 }, {}, /some steps only/],
])("no graph for %s", (_name, input, how, why) => {
  const graph = graphOf(input, how);
  expect(graph.job).toBeUndefined();
  expect("obstacles" in graph && graph.obstacles).toEqual([expect.stringMatching(why)]);
});
