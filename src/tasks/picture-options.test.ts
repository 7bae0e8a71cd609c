/** @file Other programs' records as options: texts in the shape that A1111, Forge, ComfyUI and their extensions write. */

import { expect, test } from "vitest";
import { comfyGraph } from "../formats/comfy-graph.ts";
import { generateFields } from "./generate-options.ts";
import { optionsFromTexts } from "./picture-options.ts";

const fromInfotext = (text: string) => optionsFromTexts(new Map([["parameters", text]]));

test("A1111 1.10 on SDXL: the schedule apart, noise from the graphics card", () => {
  const text = `1girl, red hair, (blue eyes:1.2)
night
Negative prompt: lowres, text
Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 5.5, Seed: 123456789, Size: 832x1216, Model hash: 0123456789, Model: someIllustrious_v20, VAE hash: abcdef0123, VAE: sdxl_vae.safetensors, Clip skip: 2, Emphasis: No norm, Version: v1.10.1`;
  expect(fromInfotext(text)).toEqual({
    source: "a1111",
    options: {
      prompt: "1girl, red hair, (blue eyes:1.2)\nnight",
      negativePrompt: "lowres, text",
      steps: 28,
      sampler: "dpmpp_2m",
      schedule: "karras",
      cfg: 5.5,
      seed: 123456789,
      width: 832,
      height: 1216,
      model: "someIllustrious_v20",
      vae: "sdxl_vae.safetensors",
      emphasis: "no-norm",
      emptyNegative: "zeros",
      noise: "nv",
      startNoise: "sigma",
    },
    unused: [],
    notes: [],
  });
});

// A1111 multiplies the noise by sigma unless told otherwise; its samplers over timesteps never do.
test.each([
  ["Euler", "", "sigma"],
  ["Euler", ", SGM noise multiplier: True", "unit"],
  ["DDIM", "", "unit"],
  ["UniPC", "", "unit"],
])("starting noise of %s%s", (label, field, startNoise) => {
  const { options, unused } = fromInfotext(`x\nSteps: 20, Sampler: ${label}${field}, Seed: 1, Size: 64x64`);
  expect(options).toMatchObject({ startNoise });
  expect(unused).toEqual([]);
});

test.each([
  ["DPM++ 2M Karras", "", "dpmpp_2m", "karras"],
  ["Euler a", "", "euler_ancestral", "normal"],
  ["Euler a", "Automatic", "euler_ancestral", "normal"],
  ["DPM++ 2M SDE", "Automatic", "dpmpp_2m_sde", "exponential"],
  ["DPM++ 2M SDE", "SGM Uniform", "dpmpp_2m_sde", "sgm_uniform"],
  ["DDIM", "", "ddim", "ddim_uniform"],
  ["Euler", "Uniform", "euler", "normal"],
  // The curve that the web UIs call so, not ComfyUI's.
  ["Euler", "Beta", "euler", "beta_forge"],
  ["dpmpp_2m", "karras", "dpmpp_2m", "karras"],
])("sampler %s with schedule type %o", (label, type, sampler, schedule) => {
  const field = type === "" ? "" : `, Schedule type: ${type}`;
  const { options, unused, notes } = fromInfotext(`x\nSteps: 20, Sampler: ${label}${field}, Seed: 1, Size: 64x64`);
  expect(options).toMatchObject({ sampler, schedule });
  expect([unused, notes]).toEqual([[], []]);
});

test("a sampler, a schedule or a size that is not known is said and left out", () => {
  const sampler = fromInfotext("x\nSteps: 20, Sampler: Restart, Schedule type: Karras, Seed: 1");
  expect(sampler.options).not.toHaveProperty("sampler");
  expect(sampler).toMatchObject({ unused: ["Sampler: Restart"], notes: [] });
  const schedule = fromInfotext("x\nSteps: 20, Sampler: Euler, Schedule type: Turbo, Seed: 1");
  expect(schedule.options).toMatchObject({ sampler: "euler" });
  expect(schedule.options).not.toHaveProperty("schedule");
  expect(schedule.unused).toEqual(["Schedule type: Turbo"]);
  const size = fromInfotext("x\nSteps: 20, Seed: 12345678901234567890, Size: 572x1024, CFG scale: high");
  expect(size.options).toMatchObject({ width: 568, height: 1024 });
  expect(size.unused).toEqual(["Seed: 12345678901234567890", "CFG scale: high"]);
});

test("clip skip: A1111 does not obey it on SDXL, Forge does from the third layer on", () => {
  const text = (version: string) => `x\nSteps: 20, Seed: 1, Clip skip: 3, RNG: CPU, Version: ${version}`;
  const forge = fromInfotext(text("f2.0.1v1.10.1-previous-600-g01234567"));
  expect(forge).toMatchObject({ options: { clipSkip: 3, noise: "cpu" }, notes: [] });
  const a1111 = fromInfotext(text("v1.10.1"));
  expect(a1111.options).not.toHaveProperty("clipSkip");
  expect(a1111.notes).toEqual([expect.stringContaining("Clip skip 3 is left out")]);
});

test("extensions: the three spellings of CFG rescale, zero terminal SNR, Forge's VAE", () => {
  for (const key of ["CFG Rescale", "CFG Rescale φ", "CFG Rescale phi", "CFG rescale"]) {
    expect(fromInfotext(`x\nSteps: 20, Seed: 1, ${key}: 0.7, RNG: NV`).options).toMatchObject({ cfgRescale: 0.7 });
  }
  const text = "x\nSteps: 20, Seed: 1, Size: 64x64, Noise Schedule: Zero Terminal SNR, Module 1: sdxl_vae";
  expect(fromInfotext(text)).toMatchObject({ options: { zeroSnr: "comfyui", vae: "sdxl_vae" }, unused: [] });
});

test("pictures of several passes: what is repeated and what is not", () => {
  const hires = `x
Steps: 25, Sampler: Euler a, Schedule type: Automatic, CFG scale: 7, Seed: 5, Size: 768x1088, Denoising strength: 0.37, ADetailer model: face_yolov8n.pt, ADetailer prompt: "detailed, face", ControlNet 0: "Module: None, Model: None, Weight: 1", Hires upscale: 1.5, Hires upscaler: R-ESRGAN 4x+, Lora hashes: "a: 0123, b: 4567", Version: f2.0.1v1.10.1`;
  const { unused, notes, options } = fromInfotext(hires);
  expect(options).not.toHaveProperty("model");
  expect(unused).toContain("Hires upscale: 1.5");
  expect(unused).toContain("ADetailer prompt: detailed, face");
  expect(notes).toEqual([
    "It was made in two passes (hires fix); only the first is repeated, at its size.",
    "ADetailer redrew parts of it, which is left out.",
    "ControlNet steered it, which is left out.",
  ]);
  const image = fromInfotext(
    "x\nSteps: 25, Seed: 5, Size: 64x64, Denoising strength: 0.5, Variation seed: 3, ENSD: 31337",
  );
  expect(image.notes).toEqual([expect.stringContaining("img2img")]);
  expect(image.unused).toEqual(["Denoising strength: 0.5", "Variation seed: 3", "ENSD: 31337"]);
});

test("ComfyUI's graph, with ComfyUI's noise, weights and timesteps", () => {
  const graph = comfyGraph({
    checkpoint: "anime\\noob-vpred.safetensors",
    loras: [{ name: "style.safetensors", strengthModel: 0.8, strengthClip: 1 }],
    prompt: "1girl",
    negativePrompt: "",
    width: 1024,
    height: 1024,
    seed: 9,
    steps: 30,
    cfg: 4,
    sampler: "ddim",
    scheduler: "sgm_uniform",
    prediction: "v_prediction",
    zsnr: true,
    rescaleCfg: 0.2,
  });
  expect(optionsFromTexts(new Map([["prompt", JSON.stringify(graph)]]))).toEqual({
    source: "comfyui",
    options: {
      prompt: "1girl",
      negativePrompt: "",
      width: 1024,
      height: 1024,
      seed: 9,
      steps: 30,
      cfg: 4,
      cfgRescale: 0.2,
      sampler: "euler",
      schedule: "sgm_uniform",
      prediction: "v",
      zeroSnr: "comfyui",
      model: "noob-vpred.safetensors",
      loras: ["style:1:0.8"],
      noise: "cpu",
      emphasis: "comfyui",
      emptyNegative: "encode",
      timesteps: "nearest",
    },
    unused: [],
    notes: [],
  });
});

test.each(["ays", "AYS SDXL"])("Align Your Steps is ComfyUI's node, or Efficiency's scheduler: %s", (scheduler) => {
  const graph = JSON.stringify({ 3: { class_type: "KSampler", inputs: { scheduler } } });
  expect(optionsFromTexts(new Map([["prompt", graph]]))).toMatchObject({ options: { schedule: "ays" }, unused: [] });
});

test("a node for ComfyUI that imitates A1111", () => {
  const text =
    "x\nSteps: 20, Sampler: euler, Schedule type: simple, CFG Scale: 8.0, Seed: 0, Size: 512x512, Version: ComfyUI";
  expect(fromInfotext(text)).toMatchObject({
    options: { sampler: "euler", schedule: "simple", cfg: 8, seed: 0, noise: "cpu", emphasis: "comfyui" },
    unused: [],
  });
});

test("what a stranger's picture may not decide", () => {
  const json = JSON.stringify({
    prompt: "x",
    steps: 1e9,
    model: "m.safetensors",
    outDir: "/etc",
    threads: 1024,
    count: 10000,
    __proto__: { steps: 3 },
    constructor: "x",
  }).replace('"threads"', '"__proto__":{"polluted":1},"threads"');
  const text = `x\nSteps: 28, Seed: 1, Size: 64x64, Illustrious: ${JSON.stringify(json)}`;
  const { options, unused } = fromInfotext(text);
  expect(options).toEqual({ prompt: "x", model: "m.safetensors" });
  expect(unused.map((entry) => entry.split(":")[0])).toEqual([
    "steps",
    "outDir",
    "__proto__",
    "threads",
    "count",
    "constructor",
  ]);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test("a model or VAE is only ever a name", () => {
  const { options } = fromInfotext(
    "x\nSteps: 1, Seed: 1, Size: 64x64, Model: ../../etc/passwd, VAE: \\\\host\\share\\v",
  );
  expect(options).toMatchObject({ model: "passwd", vae: "v" });
  const own = JSON.stringify({ model: "/dev/zero", vae: "//host/share/vae.safetensors" });
  const read = fromInfotext(`x\nSteps: 1, Seed: 1, Size: 64x64, Illustrious: ${JSON.stringify(own)}`);
  expect(read.options).toEqual({ model: "zero", vae: "vae.safetensors" });
});

test("pictures that tell nothing, or in another program's way", () => {
  expect(optionsFromTexts(new Map())).toEqual({
    source: undefined,
    options: {},
    unused: [],
    notes: ["The picture does not say how it was made."],
  });
  expect(optionsFromTexts(new Map([["Comment", "{}"]])).notes).toEqual([
    'The picture does not say how it was made in a way that is read here (it has NovelAI\'s record "Comment").',
  ]);
  expect(optionsFromTexts(new Map([["prompt", "{}"]]))).toMatchObject({
    source: "comfyui",
    notes: ["Its ComfyUI graph has no sampler that is known here."],
  });
  // Text alone is no record, so the graph beside it counts.
  const graph = JSON.stringify({ 3: { class_type: "KSampler", inputs: { seed: 4 } } });
  expect(
    optionsFromTexts(
      new Map([
        ["parameters", "just words"],
        ["prompt", graph],
      ]),
    ).options,
  ).toMatchObject({ seed: 4 });
});

test("a prompt without settings is taken, and that it has none is said", () => {
  const notes = ["Its text is a prompt without settings, so what is usual here is taken for all of them."];
  expect(fromInfotext("1girl\nnight")).toEqual({
    source: "a1111",
    options: { prompt: "1girl\nnight" },
    unused: [],
    notes,
  });
  const { options } = fromInfotext("1girl\nNegative prompt: text\nSteps: 20");
  expect(options).toEqual({ prompt: "1girl", negativePrompt: "text\nSteps: 20" });
  expect(fromInfotext(" \n")).toMatchObject({ source: undefined, options: {} });
});

test("every value that is taken is one that generate takes", () => {
  const text =
    "x\nSteps: 0, CFG scale: -1, Seed: 1.5, Size: 8x9999, RNG: TPU, Eta: 2, Emphasis: Loud, Shift: 0, CFG Rescale: 7";
  const { options, unused } = fromInfotext(text);
  expect(generateFields.partial().safeParse(options).success).toBe(true);
  expect(unused).toHaveLength(10);
});
