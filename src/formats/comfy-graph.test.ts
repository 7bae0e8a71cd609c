import fc from "fast-check";
import { expect, test } from "vitest";
import { cpuTime } from "../../test/fixtures/formats/cpu-time.ts";
import { torchGenerator } from "../base/random/torch.ts";
import { type ComfyGraph, type ComfyJob, comfyGraph } from "./comfy-graph.ts";
import { readComfyGraph, readComfyRecord } from "./comfy-graph-read.ts";
import { encodePng, readPngText } from "./png/index.ts";

/** What ComfyUI's own nodes want and give (`nodes.py`, `nodes_model_advanced.py`): required inputs, then outputs. */
const nodes: Record<string, { inputs: Record<string, string | RegExp>; outputs: string[] }> = {
  CheckpointLoaderSimple: { inputs: { ckpt_name: "string" }, outputs: ["MODEL", "CLIP", "VAE"] },
  LoraLoader: {
    inputs: { model: "MODEL", clip: "CLIP", lora_name: "string", strength_model: "number", strength_clip: "number" },
    outputs: ["MODEL", "CLIP"],
  },
  ModelSamplingDiscrete: {
    inputs: { model: "MODEL", sampling: /^(eps|v_prediction|lcm|x0)$/, zsnr: "boolean" },
    outputs: ["MODEL"],
  },
  ModelSamplingContinuousEDM: {
    inputs: { model: "MODEL", sampling: /^(v_prediction|edm|eps)$/, sigma_max: "number", sigma_min: "number" },
    outputs: ["MODEL"],
  },
  ModelSamplingSD3: { inputs: { model: "MODEL", shift: "number" }, outputs: ["MODEL"] },
  VAELoader: { inputs: { vae_name: "string" }, outputs: ["VAE"] },
  CLIPSetLastLayer: { inputs: { clip: "CLIP", stop_at_clip_layer: /^-([1-9]|1\d|2[0-4])$/ }, outputs: ["CLIP"] },
  ConditioningZeroOut: { inputs: { conditioning: "CONDITIONING" }, outputs: ["CONDITIONING"] },
  RescaleCFG: { inputs: { model: "MODEL", multiplier: "number" }, outputs: ["MODEL"] },
  EmptyLatentImage: { inputs: { width: "number", height: "number", batch_size: "number" }, outputs: ["LATENT"] },
  CLIPTextEncode: { inputs: { text: "string", clip: "CLIP" }, outputs: ["CONDITIONING"] },
  KSampler: {
    inputs: {
      model: "MODEL",
      seed: "number",
      steps: "number",
      cfg: "number",
      sampler_name: "string",
      scheduler: "string",
      positive: "CONDITIONING",
      negative: "CONDITIONING",
      latent_image: "LATENT",
      denoise: "number",
    },
    outputs: ["LATENT"],
  },
  VAEDecode: { inputs: { samples: "LATENT", vae: "VAE" }, outputs: ["IMAGE"] },
  SaveImage: { inputs: { images: "IMAGE", filename_prefix: "string" }, outputs: [] },
};

/** The checks that ComfyUI makes before it runs a graph: every input there, and every link of the right type. */
function faults(graph: ComfyGraph): string[] {
  const found: string[] = [];
  for (const [id, node] of Object.entries(graph)) {
    const { inputs } = nodes[node.class_type]!;
    expect(Object.keys(node.inputs).sort()).toEqual(Object.keys(inputs).sort());
    for (const [name, wanted] of Object.entries(inputs)) {
      const value = node.inputs[name]!;
      if (wanted instanceof RegExp ? wanted.test(String(value)) : typeof value === wanted) continue;
      const type = Array.isArray(value) ? nodes[graph[value[0]]?.class_type ?? ""]?.outputs[value[1]] : undefined;
      if (type !== wanted) found.push(`${id}.${name} is ${type ?? JSON.stringify(value)}, not ${wanted}`);
    }
  }
  return found;
}

const text = fc.string({ unit: "grapheme" });
const real = fc.double({ min: 0, max: 30, noNaN: true });
const job: fc.Arbitrary<ComfyJob> = fc.record(
  {
    checkpoint: text,
    loras: fc.array(fc.record({ name: text, strengthModel: real, strengthClip: real }), { minLength: 1, maxLength: 3 }),
    prompt: text,
    negativePrompt: text,
    width: fc.nat(4096),
    height: fc.nat(4096),
    batchSize: fc.integer({ min: 1, max: 64 }),
    seed: fc.maxSafeNat(),
    steps: fc.nat(150),
    cfg: real,
    sampler: fc.constantFrom("euler", "dpmpp_2m"),
    scheduler: fc.constantFrom("normal", "karras"),
    denoise: fc.double({ min: 0, max: 1, noNaN: true }),
    prediction: fc.constantFrom("eps", "v_prediction", "edm_v", "flow"),
    zsnr: fc.boolean(),
    shift: real,
    sigmaMin: real,
    sigmaMax: real,
    vae: text,
    clipSkip: fc.integer({ min: 1, max: 12 }),
    zeroNegative: fc.boolean(),
    rescaleCfg: fc.double({ min: 0, max: 1, noNaN: true }),
    filenamePrefix: text,
  },
  {
    requiredKeys: [
      "checkpoint",
      "prompt",
      "negativePrompt",
      "width",
      "height",
      "seed",
      "steps",
      "cfg",
      "sampler",
      "scheduler",
    ],
  },
);

test("1,000 jobs: graphs that ComfyUI's checks pass, and that read back as the job", () => {
  const property = fc.property(job, (given) => {
    const graph = comfyGraph(given);
    expect(faults(graph)).toEqual([]);
    const { prediction, zsnr, shift = 1, sigmaMin = 0.002, sigmaMax = 120, clipSkip, zeroNegative, ...rest } = given;
    // The node is left out where ComfyUI assumes the same of itself.
    const told = prediction === "v_prediction" || zsnr === true;
    const defaults = { batchSize: 1, denoise: 1, filenamePrefix: "illustrious" };
    const ofFamily = { flow: { prediction, shift }, edm_v: { prediction, sigmaMin, sigmaMax } } as const;
    const discrete = told ? { prediction: prediction ?? "eps", zsnr: zsnr ?? false } : {};
    expect(readComfyGraph(JSON.stringify(graph))).toEqual({
      ...defaults,
      ...rest,
      ...(prediction === "flow" || prediction === "edm_v" ? ofFamily[prediction] : discrete),
      ...(clipSkip !== undefined && clipSkip !== 2 && { clipSkip }),
      ...(zeroNegative && { zeroNegative, negativePrompt: "" }),
    });
  });
  fc.assert(property, { numRuns: 1000 });
});

test("the sampler's model goes through the LoRAs, then the prediction type, then RescaleCFG", () => {
  const graph = comfyGraph({
    checkpoint: "illustrious-v3.5.safetensors",
    loras: [{ name: "style.safetensors", strengthModel: 0.8, strengthClip: 0.5 }],
    prompt: "1girl",
    negativePrompt: "",
    width: 832,
    height: 1216,
    seed: 1,
    steps: 28,
    cfg: 5,
    sampler: "euler",
    scheduler: "normal",
    prediction: "v_prediction",
    zsnr: true,
    rescaleCfg: 0.7,
  });
  expect(graph["3"]!.inputs.model).toEqual(["12", 0]);
  expect(graph["12"]).toEqual({ class_type: "RescaleCFG", inputs: { model: ["11", 0], multiplier: 0.7 } });
  expect(graph["11"]!.inputs).toEqual({ model: ["10", 0], sampling: "v_prediction", zsnr: true });
  expect(graph["10"]!.inputs).toMatchObject({ model: ["4", 0], clip: ["4", 1] });
  expect(graph["6"]!.inputs.clip).toEqual(["10", 1]);
});

test("through a PNG, as ComfyUI reads it", () => {
  const simple: ComfyJob = {
    checkpoint: "a",
    prompt: "初音ミク",
    negativePrompt: "",
    width: 8,
    height: 8,
    seed: 1,
    steps: 1,
    cfg: 1,
    sampler: "euler",
    scheduler: "normal",
  };
  const graph = JSON.stringify(comfyGraph(simple));
  const png = encodePng({ width: 1, height: 1, rgb: new Uint8Array(3) }, [["prompt", graph]]);
  expect(readComfyGraph(readPngText(png)[0]![1])).toMatchObject(simple);
});

const sampler = (inputs: object) => ({ "1": { class_type: "KSampler", inputs } });
const node = (class_type: string, inputs: object) => ({ class_type, inputs });

test.each<[string, object, Partial<ComfyJob>]>([
  ["no sampler", { "1": node("LoadImage", {}) }, {}],
  [
    "a seed that another node computes",
    { ...sampler({ seed: ["2", 0], steps: 5 }), "2": node("Sum", { value: 1, other: ["1", 0] }) },
    { steps: 5 },
  ],
  [
    "numbers that other nodes hold",
    {
      ...sampler({ seed: ["2", 0], steps: ["3", 0], latent_image: ["4", 0] }),
      "2": node("Seed (rgthree)", { seed: 7 }),
      "3": node("PrimitiveInt", { value: 20 }),
      "4": node("EmptyLatentImage", { width: ["5", 0], height: 512 }),
      "5": node("Reroute", { int: ["6", 0] }),
      "6": node("INTConstant", { value: 640 }),
    },
    { seed: 7, steps: 20, width: 640, height: 512 },
  ],
  [
    "LoRAs for the model only, and rgthree's many",
    {
      ...sampler({ model: ["2", 0] }),
      "2": node("LoraLoaderModelOnly", { model: ["3", 0], lora_name: "a", strength_model: 0.5 }),
      "3": node("Power Lora Loader (rgthree)", {
        clip: ["4", 1],
        lora_1: { on: true, lora: "b", strength: 0.7 },
        lora_2: { on: false, lora: "c", strength: 1 },
        lora_3: { on: true, lora: "d", strength: 0.6, strengthTwo: 0.2 },
      }),
    },
    {
      loras: [
        { name: "b", strengthModel: 0.7, strengthClip: 0.7 },
        { name: "d", strengthModel: 0.6, strengthClip: 0.2 },
        { name: "a", strengthModel: 0.5, strengthClip: 0 },
      ],
    },
  ],
  ["a link to nowhere", sampler({ model: ["9", 0], positive: ["9", 0] }), {}],
  [
    "nodes in a circle",
    { ...sampler({ model: ["2", 0] }), "2": node("X", { model: ["3", 0] }), "3": node("Y", { model: ["2", 0] }) },
    {},
  ],
  [
    "a node that is its own input",
    { ...sampler({ positive: ["2", 0] }), "2": node("X", { conditioning: ["2", 0] }) },
    {},
  ],
  ["an advanced sampler", { "1": node("KSamplerAdvanced", { noise_seed: 7, cfg: 2 }) }, { seed: 7, cfg: 2 }],
  [
    "a text from a node that holds it",
    {
      ...sampler({ positive: ["2", 0] }),
      "2": node("CLIPTextEncode", { text: ["3", 0] }),
      "3": node("PrimitiveString", { value: "held" }),
    },
    { prompt: "held" },
  ],
  [
    "SDXL's two texts",
    { ...sampler({ positive: ["2", 0] }), "2": node("CLIPTextEncodeSDXL", { text_g: "g", text_l: "l" }) },
    { prompt: "g" },
  ],
  [
    "an area around the text",
    {
      ...sampler({ positive: ["2", 0] }),
      "2": node("ConditioningSetArea", { conditioning: ["3", 0] }),
      "3": node("CLIPTextEncode", { text: "in" }),
    },
    { prompt: "in" },
  ],
  [
    "a prompt zeroed out",
    {
      ...sampler({ negative: ["2", 0] }),
      "2": node("ConditioningZeroOut", { conditioning: ["3", 0] }),
      "3": node("CLIPTextEncode", { text: "positive" }),
    },
    { negativePrompt: "", zeroNegative: true },
  ],
  [
    "two prediction nodes: the later one counts",
    {
      ...sampler({ model: ["2", 0] }),
      "2": node("ModelSamplingDiscrete", { model: ["3", 0], sampling: "eps", zsnr: false }),
      "3": node("ModelSamplingDiscrete", { sampling: "v_prediction", zsnr: true }),
    },
    { prediction: "eps", zsnr: false },
  ],
  ["values of wrong types", sampler({ seed: "1", steps: null, cfg: [], sampler_name: 3, denoise: true }), {}],
  [
    "nodes that are none",
    { "1": null, "2": 3, "3": [], "4": {}, "5": { class_type: 1, inputs: {} }, "6": { class_type: "KSampler" } },
    {},
  ],
  ["names of object members", { ...sampler({ model: ["__proto__", 0], positive: ["constructor", 0] }) }, {}],
])("a stranger's graph with %s", (_, graph, expected) => {
  expect(readComfyGraph(JSON.stringify(graph))).toEqual(expected);
});

const whole: ComfyJob = {
  checkpoint: "a",
  prompt: "p",
  negativePrompt: "n",
  width: 64,
  height: 64,
  seed: 1,
  steps: 20,
  cfg: 5,
  sampler: "euler",
  scheduler: "normal",
};

test.each(["1", "99"])("of two passes the one that begins with noise counts, whatever its id: %s", (id) => {
  const upscaled = { "20": node("LatentUpscale", { samples: ["3", 0] }), "8": node("VAEDecode", { samples: [id, 0] }) };
  const second = node("KSampler", { latent_image: ["20", 0], seed: 2, denoise: 0.5 });
  const { job, notes } = readComfyRecord(JSON.stringify({ ...comfyGraph(whole), ...upscaled, [id]: second }));
  expect(job).toMatchObject({ seed: 1, denoise: 1, width: 64 });
  expect(notes).toEqual([
    "It has another sampler: a second pass is not repeated, only the one that begins with noise.",
  ]);
});

/** Nodes of `whole`, changed, with more beside them. */
const changed = (inputs: Record<string, object>, more: object = {}) => {
  const graph = Object.entries(comfyGraph(whole)).map(([id, one]) => [
    id,
    { ...one, inputs: { ...one.inputs, ...inputs[id] } },
  ]);
  return JSON.stringify({ ...Object.fromEntries(graph), ...more });
};

test.each<[string, string[]]>([
  [changed({}), []],
  [
    changed(
      { "3": { seed: ["20", 0], steps: ["21", 0], cfg: null } },
      { "20": node("Dice", { sides: 6 }), "21": node("PrimitiveInt", { value: 9 }) },
    ),
    ["Not read from its graph, so what is usual here is taken: seed, cfg."],
  ],
  [
    changed({ "3": { model: ["20", 0] } }, { "20": node("FreeU_V2", { model: ["21", 0] }), "21": node("Tiling", {}) }),
    [
      "Not read from its graph, so what is usual here is taken: checkpoint.",
      "FreeU weighed the network's features anew, which is left out.",
      "Nodes that are not read here: Tiling.",
    ],
  ],
  [
    changed(
      { "3": { positive: ["20", 0], negative: ["20", 1] } },
      { "20": node("ControlNetApplyAdvanced", { positive: ["21", 0], negative: ["7", 0] }), "21": joined() },
    ),
    ["ControlNet steered it, which is left out.", "It has prompts that are joined; only the first of each is read."],
  ],
  [
    changed(
      { "3": { positive: ["20", 0] }, "9": { images: ["21", 0] } },
      {
        "20": node("CLIPTextEncodeSDXL", { clip: ["4", 1], text_g: "p", text_l: "q", width: 4096, crop_w: 0 }),
        "21": node("FaceDetailer", { image: ["8", 0] }),
      },
    ),
    [
      "Its positive prompt is another for the first text encoder (text_l), which is left out.",
      "Its size conditioning is left out: width 4096.",
      "Nodes that are not read here: FaceDetailer.",
    ],
  ],
  [
    JSON.stringify({
      ...JSON.parse(changed({})),
      "3": node("KSamplerAdvanced", { ...comfyGraph(whole)["3"]!.inputs, start_at_step: 0, end_at_step: 15 }),
    }),
    ["Its sampler makes steps 0 to 15 of 20; all are made here."],
  ],
  [
    changed({ "5": { batch_size: 4 } }),
    ["It is one of a batch of 4, of which only the first picture can be repeated."],
  ],
  [
    changed(
      { "3": { model: ["20", 0] } },
      {
        "20": node("LoraLoader", { model: ["21", 0], clip: ["21", 1], lora_name: "a", strength_model: ["22", 0] }),
        "21": node("LoraLoader", { ...comfyGraph(whole)["4"]!.inputs, lora_name: "b", strength_model: ["23", 0] }),
        "22": node("MathExpression", { a: ["23", 0], expression: "a / 2" }),
        "23": node("PrimitiveFloat", { value: 0.5 }),
      },
    ),
    ["Its graph computes the strength of LoRAs, and 1 is taken: a."],
  ],
])("what is lost is said: graph %#", (graph, notes) => {
  expect(readComfyRecord(graph).notes).toEqual(notes);
});

/** `whole` by nodes that ComfyUI's custom samplers are told by; `levels` makes the noise levels. */
const custom = (levels: object, more: Record<string, object> = {}) => {
  const { model, positive, negative, latent_image } = comfyGraph(whole)["3"]!.inputs;
  return {
    ...comfyGraph(whole),
    "3": node("SamplerCustom", {
      ...{ model, positive, negative, latent_image, add_noise: true, noise_seed: 1, cfg: 5 },
      ...{ sampler: ["30", 0], sigmas: ["31", 0] },
    }),
    "30": node("KSamplerSelect", { sampler_name: "euler" }),
    "31": levels,
    ...more,
  };
};

/** The same of the sampler that has a node for noise and guidance, too. */
const advanced = (guider: object, more: Record<string, object> = {}) => {
  const { model, latent_image } = comfyGraph(whole)["3"]!.inputs;
  return custom(node("BasicScheduler", { model, scheduler: "normal", steps: 20, denoise: 1 }), {
    "3": node("SamplerCustomAdvanced", {
      ...{ noise: ["32", 0], guider: ["33", 0], sampler: ["30", 0], sigmas: ["31", 0], latent_image },
    }),
    "32": node("RandomNoise", { noise_seed: 1 }),
    "33": guider,
    ...more,
  });
};

const { model, positive, negative } = comfyGraph(whole)["3"]!.inputs;
const cfgGuider = node("CFGGuider", { model, positive, negative, cfg: 5 });
const SDXL = { sigma_max: 14.614642, sigma_min: 0.0291675 };

test.each<[string, object, object, string[]]>([
  ["BasicScheduler", custom(node("BasicScheduler", { model, scheduler: "normal", steps: 20, denoise: 1 })), {}, []],
  ["SamplerCustomAdvanced", advanced(cfgGuider), {}, []],
  ["KarrasScheduler", custom(node("KarrasScheduler", { steps: 20, ...SDXL, rho: 7 })), { scheduler: "karras" }, []],
  [
    "levels that are not SDXL's",
    custom(node("KarrasScheduler", { steps: 20, sigma_max: 80, sigma_min: 0.0292, rho: 5 })),
    { scheduler: "karras" },
    ["Its noise levels (KarrasScheduler) are made otherwise than those of karras here: sigma_max 80, rho 5."],
  ],
  [
    "SDXL's levels for a model that has others",
    custom(node("ExponentialScheduler", { steps: 20, ...SDXL }), {
      "3": node("SamplerCustom", { ...custom({})["3"].inputs, model: ["34", 0] }),
      "34": node("ModelSamplingDiscrete", { model: ["4", 0], sampling: "v_prediction", zsnr: true }),
    }),
    { scheduler: "exponential", prediction: "v_prediction", zsnr: true },
    [
      "Its noise levels (ExponentialScheduler) are made otherwise than those of exponential here: sigma_max 14.614642, sigma_min 0.0291675.",
    ],
  ],
  [
    "PolyexponentialScheduler",
    custom(node("PolyexponentialScheduler", { steps: 20, ...SDXL, rho: 1 })),
    { scheduler: "exponential" },
    [],
  ],
  [
    "AlignYourStepsScheduler",
    custom(node("AlignYourStepsScheduler", { model_type: "SDXL", steps: 10, denoise: 1 })),
    { scheduler: "ays", steps: 10 },
    [],
  ],
  [
    "another model's AlignYourStepsScheduler",
    custom(node("AlignYourStepsScheduler", { model_type: "SD1", steps: 20, denoise: 1 })),
    { scheduler: "ays" },
    ["Its noise levels (AlignYourStepsScheduler) are made otherwise than those of ays here: model_type SD1."],
  ],
  [
    "BetaSamplingScheduler",
    custom(node("BetaSamplingScheduler", { model, steps: 20, alpha: 0.6, beta: 0.6 })),
    { scheduler: "beta" },
    [],
  ],
  ["SDTurboScheduler", custom(node("SDTurboScheduler", { model, steps: 1 })), { scheduler: "simple", steps: 1 }, []],
  [
    "SDTurboScheduler's first few",
    custom(node("SDTurboScheduler", { model, steps: 4 })),
    { scheduler: "simple", steps: 4 },
    ["Its sampler visits the first 4 of ten even noise levels; here 4 steps go all the way."],
  ],
  [
    "split levels",
    custom(node("SplitSigmas", { sigmas: ["35", 0], step: 5 }), {
      "35": node("BasicScheduler", { model, scheduler: "simple", steps: 20, denoise: 1 }),
    }),
    { scheduler: "simple", steps: 20 },
    ["Its noise levels are split between samplers; here one makes all steps."],
  ],
  [
    "levels of a node that is not known",
    custom(node("LaplaceScheduler", { steps: 20, mu: 0 })),
    { scheduler: undefined },
    [
      "Not read from its graph, so what is usual here is taken: scheduler.",
      "Nodes that are not read here: LaplaceScheduler.",
    ],
  ],
  [
    "no noise, and UniPC",
    custom(node("BasicScheduler", { model, scheduler: "normal", steps: 20 }), {
      "3": node("SamplerCustom", { ...custom({})["3"].inputs, add_noise: false }),
      "30": node("KSamplerSelect", { sampler_name: "uni_pc" }),
    }),
    { sampler: "uni_pc" },
    [
      "Its sampler adds no noise; here it begins with the seed's.",
      "Its uni_pc visits the level before 0, which is left out.",
    ],
  ],
  ["BasicGuider", advanced(node("BasicGuider", { model, conditioning: positive })), { cfg: 1, negativePrompt: "" }, []],
  [
    "DualCFGGuider",
    advanced(node("DualCFGGuider", { model, cond1: positive, cond2: negative, negative, cfg_conds: 4 })),
    { prompt: "p", cfg: 4 },
    ["Two prompts or models guided it; only the first is read."],
  ],
  [
    "a seed that another node holds",
    advanced(cfgGuider, {
      "32": node("RandomNoise", { noise_seed: ["36", 0] }),
      "36": node("PrimitiveInt", { value: 8 }),
    }),
    { seed: 8 },
    [],
  ],
  [
    "KSampler (Efficient)",
    { ...comfyGraph(whole), "3": node("KSampler (Efficient)", comfyGraph(whole)["3"]!.inputs) },
    {},
    [],
  ],
])("a custom sampler: %s", (_, graph, expected, notes) => {
  const read = readComfyRecord(JSON.stringify(graph));
  expect(read.notes).toEqual(notes);
  const held = { batchSize: 1, denoise: read.job.denoise, filenamePrefix: "illustrious" };
  expect(read.job).toEqual({ ...whole, ...held, ...expected });
});

/** Efficiency's two nodes, which are a whole text-to-image graph. */
const efficient = (loader: object = {}, more: object = {}) =>
  JSON.stringify({
    ...more,
    "1": node("Efficient Loader", {
      ...{ ckpt_name: "a", vae_name: "Baked VAE", clip_skip: -2, positive: "p", negative: "n", batch_size: 1 },
      ...{ lora_name: "None", lora_model_strength: 0.8, lora_clip_strength: 0.5 },
      ...{ token_normalization: "none", weight_interpretation: "comfy" },
      ...{ empty_latent_width: 64, empty_latent_height: 64, ...loader },
    }),
    "2": node("KSampler (Efficient)", {
      ...{ model: ["1", 0], positive: ["1", 1], negative: ["1", 2], latent_image: ["1", 3], optional_vae: ["1", 4] },
      ...{ seed: 1, steps: 20, cfg: 5, sampler_name: "euler", scheduler: "normal", denoise: 1 },
    }),
    "9": node("SaveImage", { images: ["2", 5], filename_prefix: "x" }),
  });

test("Efficiency's loader", () => {
  const { job, notes } = readComfyRecord(efficient());
  expect(job).toEqual({ ...whole, batchSize: 1, clipSkip: 2, denoise: 1, filenamePrefix: "x" });
  expect(notes).toEqual([]);
  const more = readComfyRecord(
    efficient({ vae_name: "v", lora_name: "l", clip_skip: -1, weight_interpretation: "A1111", lora_stack: ["3", 0] }),
  );
  expect(more.job).toMatchObject({
    vae: "v",
    clipSkip: 1,
    loras: [{ name: "l", strengthModel: 0.8, strengthClip: 0.5 }],
  });
  expect(more.notes).toEqual([
    "Its words are weighed as ComfyUI does; there it was A1111 with the normalization none.",
  ]);
});

const [stacker, switched] = [
  node("LoRA Stacker", {
    ...{ input_mode: "simple", lora_count: 2, lora_stack: ["21", 0] },
    ...{ lora_name_1: "a", lora_wt_1: 0.5, model_str_1: 0.1, clip_str_1: 0.2 },
    ...{ lora_name_2: "None", lora_wt_2: 1, model_str_2: 1, clip_str_2: 1 },
    ...{ lora_name_3: "beyond the count", lora_wt_3: 1, model_str_3: 1, clip_str_3: 1 },
  }),
  node("CR LoRA Stack", {
    ...{ switch_1: "On", lora_name_1: "b", model_weight_1: 0.6, clip_weight_1: 0.4 },
    ...{ switch_2: "Off", lora_name_2: "c", model_weight_2: 1, clip_weight_2: 1 },
    ...{ switch_3: "On", lora_name_3: "None", model_weight_3: 1, clip_weight_3: 1 },
  }),
];

test.each([
  ["Efficiency's loader", efficient({ lora_stack: ["20", 0] }, { "20": stacker, "21": switched })],
  [
    "CR Apply LoRA Stack",
    changed(
      { "3": { model: ["20", 0] } },
      {
        "20": node("CR Apply LoRA Stack", { model: ["4", 0], clip: ["4", 1], lora_stack: ["22", 0] }),
        ...{ "22": stacker, "21": switched },
      },
    ),
  ],
])("stacks of LoRAs behind %s", (_, json) => {
  const { job, notes } = readComfyRecord(json);
  expect(job.loras).toEqual([
    { name: "a", strengthModel: 0.5, strengthClip: 0.5 },
    { name: "b", strengthModel: 0.6, strengthClip: 0.4 },
  ]);
  expect(notes).toEqual([]);
});

test("a stack with a strength for each network, and one that is computed", () => {
  const inputs = {
    lora_count: 2,
    lora_name_1: "a",
    model_str_1: 0.1,
    clip_str_1: 0.2,
    lora_name_2: "b",
    model_str_2: ["23", 0],
  };
  const graph = { "20": node("LoRA Stacker", { ...inputs, input_mode: "advanced" }), "23": node("Maths", { a: 1 }) };
  const { job, notes } = readComfyRecord(efficient({ lora_stack: ["20", 0] }, graph));
  expect(job.loras).toEqual([
    { name: "a", strengthModel: 0.1, strengthClip: 0.2 },
    { name: "b", strengthModel: 1, strengthClip: 1 },
  ]);
  expect(notes).toEqual(["Its graph computes the strength of LoRAs, and 1 is taken: b."]);
});

test("Comfyroll's loader that is off is no LoRA, and a stack that is not read is named", () => {
  const off = node("CR Load LoRA", {
    ...{ model: ["4", 0], clip: ["4", 1], switch: "Off", lora_name: "a" },
    ...{ strength_model: 1, strength_clip: 1 },
  });
  const read = readComfyRecord(changed({ "3": { model: ["20", 0] } }, { "20": off }));
  expect(read.job.loras).toBeUndefined();
  expect(read.notes).toEqual([]);
  const random = node("CR Random Weight LoRA", { stride: 1, switch: "On", lora_name: "a", weight_min: 0 });
  const { job, notes } = readComfyRecord(efficient({ lora_stack: ["20", 0] }, { "20": random }));
  expect(job.loras).toBeUndefined();
  expect(notes).toEqual(["Nodes that are not read here: CR Random Weight LoRA."]);
});

test("a stack's count and strength from nodes that hold them", () => {
  const inputs = {
    input_mode: "simple",
    lora_count: ["23", 0],
    lora_name_1: "a",
    lora_wt_1: ["24", 0],
    lora_name_2: "b",
  };
  const graph = {
    "20": node("LoRA Stacker", inputs),
    ...{ "23": node("PrimitiveInt", { value: 1 }), "24": node("PrimitiveFloat", { value: 0.25 }) },
  };
  const { job, notes } = readComfyRecord(efficient({ lora_stack: ["20", 0] }, graph));
  expect(job.loras).toEqual([{ name: "a", strengthModel: 0.25, strengthClip: 0.25 }]);
  expect(notes).toEqual([]);
});

test("rgthree's stack of four has one strength for both networks", () => {
  const four = { lora_01: "a", strength_01: 0.5, lora_02: "None", strength_02: 1, lora_03: "b", strength_03: -1 };
  const stack = node("Lora Loader Stack (rgthree)", { ...four, model: ["4", 0], clip: ["4", 1] });
  const { job, notes } = readComfyRecord(changed({ "3": { model: ["20", 0] } }, { "20": stack }));
  expect(job.loras).toEqual([
    { name: "a", strengthModel: 0.5, strengthClip: 0.5 },
    { name: "b", strengthModel: -1, strengthClip: -1 },
  ]);
  expect(notes).toEqual([]);
});

test("a sampler that is not known is named", () => {
  const { job, notes } = readComfyRecord(JSON.stringify({ "1": node("ClownsharKSampler_Beta", { seed: 1 }) }));
  expect(job).toEqual({});
  expect(notes).toEqual(["Its ComfyUI graph has no sampler that is known here; it has ClownsharKSampler_Beta."]);
});

function joined() {
  return node("ConditioningCombine", { conditioning_1: ["6", 0], conditioning_2: ["7", 0] });
}

test("Python's NaN and Infinity are read over, but not in texts", () => {
  const json =
    '{"1":{"class_type":"KSampler","inputs":{"cfg":NaN,"denoise":-Infinity,"scheduler":"NaN \\"Infinity"},"is_changed":[NaN]}}';
  expect(readComfyGraph(json)).toEqual({ scheduler: 'NaN "Infinity' });
});

test.each([
  ["9007199254740991", 9007199254740991, []],
  ["9007199254740993", 1, ["Its seed 9007199254740993 is 1 here, which gives the same noise."]],
  [
    "18446744073709551615",
    4294967295,
    ["Its seed 18446744073709551615 is 4294967295 here, which gives the same noise."],
  ],
  ["18446744073709551616", undefined, ["Not read from its graph, so what is usual here is taken: seed."]],
])("a seed of 64 bits is exact, or one of the same noise: %s", (digits, seed, notes) => {
  for (const given of [
    changed({ "3": { seed: "SEED" } }),
    changed(
      { "3": { seed: ["20", 0] } },
      { "20": node("Seed (rgthree)", { seed: "SEED", other: "1234567890123456789" }) },
    ),
    changed({ "3": { seed: "SEED", text: '\\" 1234567890123456789' } }).replace("{", '{"0":NaN,'),
  ]) {
    const read = readComfyRecord(given.replace('"SEED"', digits));
    expect(read.job.seed).toBe(seed);
    expect(read.notes).toEqual(notes);
  }
  const noise = (of: number | bigint) => torchGenerator(of).randn(16);
  if (seed !== undefined) expect(noise(seed)).toEqual(noise(BigInt(digits)));
});

test("digits in texts stay as they are", () => {
  const prompt = 'id 12345678901234567890, "12345678901234567890": 12345678901234567890';
  expect(readComfyGraph(JSON.stringify(comfyGraph({ ...whole, prompt })))).toMatchObject({ prompt });
});

test.each(["", "null", "[]", "3", '"x"', "{", "NaN", '{"1":undefined}'])("%j is refused", (json) => {
  expect(() => readComfyGraph(json)).toThrow(expect.objectContaining({ code: "bad_file", hint: expect.any(String) }));
});

test.each([
  ["escaped quotes without end", `"${'\\"'.repeat(500_000)}`],
  ["open brackets", "[".repeat(1_000_000)],
  ["words", "NaN ".repeat(250_000)],
  ["one string", `"${"x".repeat(16_000_000)}`],
  ["digits", "1".repeat(1_000_000)],
  ["long integers", "12345678901234567890,".repeat(50_000)],
  ["long integers and a string", `[12345678901234567890,"${"x".repeat(16_000_000)}`],
])("a megabyte of %s is refused in linear time", (_, json) => {
  const refuse = () => expect(() => readComfyGraph(json)).toThrow(expect.objectContaining({ code: "bad_file" }));
  // Measured 10 to 300 ms; quadratic would take minutes.
  expect(cpuTime(refuse)).toBeLessThan(2000);
});
