/** @file What is written into pictures: read back by our own reader, by A1111's rules and by ComfyUI's. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { readComfyGraph } from "../formats/comfy-graph-read.ts";
import { parseInfotext } from "../formats/infotext.ts";
import { encodePng, readPngText } from "../formats/png/index.ts";
import { samplerNames, scheduleNames, takesEta } from "../sampling/index.ts";
import type { EffectiveSettings } from "./generate-events.ts";
import { type GenerateOptions, generateOptions } from "./generate-options.ts";
import type { PictureGraph } from "./picture-graph.ts";
import { optionsFromTexts } from "./picture-options.ts";
import { picturePngText } from "./picture-text.ts";

const settings: EffectiveSettings = {
  model: "illustrious-v3.5.safetensors",
  width: 832,
  height: 1216,
  steps: 28,
  sampler: "dpmpp_2m",
  schedule: "karras",
  prediction: "v",
  zeroSnr: "exact",
  confidence: "certain",
  emptyNegative: "zeros",
  vaeTile: "off",
  sigmas: [Number.POSITIVE_INFINITY, 14.614642, 0.029167533, 0],
  timesteps: [999, 998, 0],
  seeds: [7, 8],
  tokens: [12, 0],
  chunks: 1,
  loras: [],
  engine: "onnxruntime-node 1.30.0, cpu",
  evidence: [],
};

const asked = generateOptions.parse({
  model: "/home/somebody/models/illustrious-v3.5.safetensors",
  vae: "C:\\secret\\sdxl_vae.safetensors",
  prompt: "1girl, red hair",
  negativePrompt: "text",
  sampler: "DPM++ 2M Karras",
  cfgRescale: 0.4,
  clipSkip: 3,
  shift: 2,
  emphasis: "no-norm",
  count: 2,
  threads: 3,
  outDir: "/home/somebody/pictures",
});

const graph: PictureGraph = {
  job: {
    checkpoint: "illustrious-v3.5.safetensors",
    prompt: "1girl, red hair",
    negativePrompt: "text",
    width: 832,
    height: 1216,
    steps: 28,
    cfg: 5,
    sampler: "dpmpp_2m",
    scheduler: "karras",
  },
};

test("the whole text of a picture", () => {
  const { infotext } = picturePngText(asked, settings, 8, { model: "0123456789", vae: "abcdef0123" }, graph);
  // The version's number changes with every release.
  expect(infotext.replace(/(Version: illustrious )\d+\.\d+\.\d+,/, "$1VERSION,")).toMatchInlineSnapshot(`
    "1girl, red hair
    Negative prompt: text
    Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 5, Seed: 8, Size: 832x1216, Model hash: 0123456789, Model: illustrious-v3.5, VAE hash: abcdef0123, VAE: sdxl_vae.safetensors, Clip skip: 3, RNG: CPU, Emphasis: No norm, SGM noise multiplier: True, CFG Rescale: 0.4, Hashes: {"model":"0123456789","vae":"abcdef0123"}, Version: illustrious VERSION, Prediction: v, Zero SNR: exact, Shift: 2, Sigmas: inf 14.6146 0.0291675 0, Engine: "onnxruntime-node 1.30.0, cpu", Illustrious: "{\\"model\\":\\"illustrious-v3.5.safetensors\\",\\"vae\\":\\"sdxl_vae.safetensors\\",\\"prompt\\":\\"1girl, red hair\\",\\"negativePrompt\\":\\"text\\",\\"width\\":832,\\"height\\":1216,\\"steps\\":28,\\"cfg\\":5,\\"cfgRescale\\":0.4,\\"sampler\\":\\"dpmpp_2m\\",\\"schedule\\":\\"karras\\",\\"seed\\":8,\\"noise\\":\\"cpu\\",\\"startNoise\\":\\"unit\\",\\"emphasis\\":\\"no-norm\\",\\"commaBacktrack\\":20,\\"emptyNegative\\":\\"zeros\\",\\"clipSkip\\":3,\\"cropTop\\":0,\\"cropLeft\\":0,\\"prediction\\":\\"v\\",\\"zeroSnr\\":\\"exact\\",\\"shift\\":2,\\"timesteps\\":\\"interpolate\\",\\"vaeTile\\":\\"off\\"}""
  `);
});

test("no folder of the maker's machine is told", () => {
  const { infotext, comfy } = picturePngText(asked, settings, 8, {}, graph);
  expect(infotext + comfy).not.toMatch(/somebody|secret|pictures/);
});

const text = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom('a: b, "c"\nd', "\nNegative prompt: x", "Steps: 1"),
);
const extent = fc.integer({ min: 0, max: 4096 });
const options = fc
  .record(
    {
      prompt: text,
      negativePrompt: text,
      steps: fc.integer({ min: 1, max: 999 }),
      cfg: fc.double({ min: 0, max: 100, noNaN: true }),
      cfgRescale: fc.double({ min: 0, max: 1, noNaN: true }),
      cfgFrom: fc.double({ min: 0, max: 20, noNaN: true }),
      eta: fc.double({ min: 0, max: 1, noNaN: true }),
      noise: fc.constantFrom("cpu", "nv"),
      startNoise: fc.constantFrom("unit", "sigma"),
      emphasis: fc.constantFrom(...generateOptions.shape.emphasis.unwrap().options),
      commaBacktrack: fc.integer({ min: 0, max: 74 }),
      clipSkip: fc.integer({ min: 1, max: 12 }),
      originalWidth: extent,
      cropTop: extent,
      negativeTargetHeight: extent,
      shift: fc.double({ min: 0.01, max: 100, noNaN: true }),
      timesteps: fc.constantFrom("interpolate", "nearest"),
      vaeTile: fc.constantFrom("auto", "on", "off"),
    },
    { requiredKeys: [] },
  )
  .map((some) => generateOptions.parse({ ...some, model: "m.safetensors" }));
const settled = fc.record({
  width: fc.integer({ min: 8, max: 256 }).map((n) => 8 * n),
  height: fc.integer({ min: 8, max: 256 }).map((n) => 8 * n),
  sampler: fc.constantFrom(...samplerNames),
  schedule: fc.constantFrom(...scheduleNames),
  prediction: fc.constantFrom("eps", "v", "edm_v", "flow"),
  zeroSnr: fc.constantFrom("off", "exact", "comfyui", "diffusers"),
  emptyNegative: fc.constantFrom("zeros", "encode"),
  vaeTile: fc.constantFrom("auto", "on", "off"),
});
const seed = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

/** The picture's file with these texts, read again. */
function chunksOf(infotext: string, comfy = ""): Map<string, string> {
  const png = encodePng({ width: 1, height: 1, rgb: new Uint8Array(3) }, [
    ["parameters", infotext],
    ["prompt", comfy],
  ]);
  return new Map(readPngText(png));
}

test("every option comes back from the picture, however wild the prompt", () => {
  fc.assert(
    fc.property(options, settled, seed, (asked, found, seed) => {
      const { infotext, comfy } = picturePngText(asked, { ...settings, ...found }, seed, {}, graph);
      const { count, batch, preview, grid, eta, ...kept } = asked;
      const expected: Partial<GenerateOptions> = {
        ...kept,
        ...(eta !== undefined && takesEta(found.sampler) && { eta }),
        ...found,
        model: settings.model,
        seed,
      } as GenerateOptions;
      expect(optionsFromTexts(chunksOf(infotext, comfy))).toEqual({
        source: "illustrious",
        options: expected,
        unused: [],
        notes: [],
      });
    }),
    { numRuns: 300 },
  );
});

test("eta stands in the text of a sampler that has it", () => {
  const etaIn = (sampler: string) => {
    const { infotext } = picturePngText({ ...asked, eta: 0.5 }, { ...settings, sampler }, 8, {}, graph);
    return parseInfotext(infotext).fields.get("Eta");
  };
  expect([etaIn("ddim"), etaIn("euler")]).toEqual(["0.5", undefined]);
});

test("without our own field, the fields that A1111 knows still tell the picture", () => {
  const { infotext } = picturePngText(asked, settings, 8, {}, graph);
  const theirs = infotext.replace(/, Illustrious: ".*"$/, "");
  expect(theirs).not.toBe(infotext);
  expect(optionsFromTexts(new Map([["parameters", theirs]]))).toMatchObject({
    options: {
      prompt: "1girl, red hair",
      negativePrompt: "text",
      model: "illustrious-v3.5",
      vae: "sdxl_vae.safetensors",
      steps: 28,
      sampler: "dpmpp_2m",
      schedule: "karras",
      cfg: 5,
      cfgRescale: 0.4,
      seed: 8,
      width: 832,
      height: 1216,
      noise: "cpu",
      emphasis: "no-norm",
      prediction: "v",
      zeroSnr: "exact",
      shift: 2,
    },
  });
});

test("A1111 finds its own keys in our text, whatever the prompt", () => {
  fc.assert(
    fc.property(options, settled, seed, (asked, found, seed) => {
      const { infotext } = picturePngText(asked, { ...settings, ...found }, seed, {}, graph);
      const { fields } = parseInfotext(infotext);
      expect(fields.get("Steps")).toBe(String(asked.steps));
      expect(fields.get("Seed")).toBe(String(seed));
      expect(fields.get("Size")).toBe(`${found.width}x${found.height}`);
    }),
    { numRuns: 100 },
  );
});

test("ComfyUI's graph is the job with the picture's seed; without one the text says why", () => {
  const { infotext, comfy } = picturePngText(asked, settings, 8, {}, graph);
  expect(readComfyGraph(comfy!)).toMatchObject({ checkpoint: "illustrious-v3.5.safetensors", seed: 8 });
  expect(infotext).not.toContain("ComfyUI");
  const none = picturePngText(asked, settings, 8, {}, { obstacles: ["one, that", "another"] });
  expect(none.comfy).toBeUndefined();
  expect(parseInfotext(none.infotext).fields.get("ComfyUI graph")).toBe("none: one, that; another");
  expect(optionsFromTexts(new Map([["parameters", none.infotext.replace(/, Illustrious: ".*"$/, "")]])).unused).toEqual(
    [],
  );
});

test("clip skip is obeyed in our own text, even without our own field", () => {
  const theirs = picturePngText(asked, settings, 8, {}, graph).infotext.replace(/, Illustrious: ".*"$/, "");
  expect(optionsFromTexts(new Map([["parameters", theirs]]))).toMatchObject({ options: { clipSkip: 3 }, notes: [] });
});

test("what was automatic is recorded as what it came to, and the model by its own name", () => {
  const here = generateOptions.parse({ model: "." });
  const { infotext } = picturePngText(here, { ...settings, model: "my-model", emptyNegative: "encode" }, 8, {}, graph);
  expect(parseInfotext(infotext).fields.get("Model")).toBe("my-model");
  expect(optionsFromTexts(new Map([["parameters", infotext]])).options).toMatchObject({
    model: "my-model",
    emptyNegative: "encode",
    vaeTile: "off",
    prediction: "v",
    zeroSnr: "exact",
  });
});

test.each([
  ["models/mine/vae", "mine/vae"],
  ["/home/x/mine/vae/", "mine/vae"],
  ["/home/x/mine/vae/diffusion_pytorch_model.fp16.safetensors", "mine/vae/diffusion_pytorch_model.fp16.safetensors"],
  ["/home/x/sdxl_vae.safetensors", "sdxl_vae.safetensors"],
])("the VAE %s is written as %s, and read so", (vae, name) => {
  const { infotext } = picturePngText({ ...asked, vae }, settings, 8, {}, graph);
  expect(infotext).toContain(`VAE: ${name},`);
  const theirs = infotext.replace(/, Illustrious: ".*"$/, "");
  for (const text of [infotext, theirs]) {
    expect(optionsFromTexts(new Map([["parameters", text]])).options.vae).toBe(name);
  }
});
