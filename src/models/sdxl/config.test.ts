import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type ClipConfig, SDXL_BASE, type SdxlConfigs, type UNetConfig, type VaeConfig, vaeFactor } from "./config.ts";
import { inferConfigs } from "./config-infer.ts";
import {
  type ConfigJson,
  configsToJson,
  parseClipConfig,
  parseConfigs,
  parseUNetConfig,
  parseVaeConfig,
} from "./config-json.ts";
import { COMPONENTS, parametersOf, SGM_PREFIX } from "./names.ts";

const NANO = join(import.meta.dirname, "../../../test/fixtures/nano-bootstrap");
const nano = (folder: string): ConfigJson => JSON.parse(readFileSync(join(NANO, folder, "config.json"), "utf8"));

test("the bootstrap's configurations, as its README describes them", () => {
  expect(parseUNetConfig(nano("unet"))).toEqual({
    sampleSize: 16,
    inChannels: 4,
    outChannels: 4,
    blockOutChannels: [64, 64, 128],
    layersPerBlock: 1,
    attention: [false, true, true],
    transformerLayersPerBlock: [1, 1, 1],
    heads: [1, 1, 2],
    crossAttentionDim: 128,
    additionTimeEmbedDim: 16,
    projectionInputDim: 160,
    normGroups: 32,
    normEps: 1e-5,
    flipSinToCos: true,
    freqShift: 0,
    useLinearProjection: true,
  });
  expect(vaeFactor(parseVaeConfig(nano("vae")))).toBe(8);
  expect(parseClipConfig(nano("text_encoder"))).not.toHaveProperty("projectionDim");
  expect(parseClipConfig(nano("text_encoder_2")).projectionDim).toBe(64);
});

test("the legacy end-of-text id means the highest id, any other the first of its kind", () => {
  const json = nano("text_encoder");
  expect(parseClipConfig(json).eosRule).toEqual({ kind: "highest" });
  expect(parseClipConfig({ ...json, eos_token_id: 49407 }).eosRule).toEqual({ kind: "first", id: 49407 });
});

const without = (json: ConfigJson, field: string) =>
  Object.fromEntries(Object.entries(json).filter(([k]) => k !== field));

test.each<[string, () => unknown, string, string]>([
  [
    "an activation",
    () => parseUNetConfig({ ...nano("unet"), act_fn: "gelu" }),
    "unsupported",
    'unet/config.json: act_fn is "gelu"; wanted: "silu"',
  ],
  [
    "SD 1.x, which has no size conditioning",
    () => parseUNetConfig({ ...nano("unet"), addition_embed_type: null }),
    "bad_file",
    'unet/config.json: addition_embed_type is missing; wanted: "text_time"',
  ],
  [
    "an LCM's guidance embedding",
    () => parseUNetConfig({ ...nano("unet"), time_cond_proj_dim: 256 }),
    "unsupported",
    "unet/config.json: time_cond_proj_dim is 256; wanted: null",
  ],
  [
    "SSD-1B's depths",
    () => parseUNetConfig({ ...nano("unet"), transformer_layers_per_block: [[1], [2, 2], [4, 4]] }),
    "unsupported",
    "unet/config.json: transformer_layers_per_block is [[1],[2,2],[4,4]]; wanted: a whole number above 0, or 3 of them",
  ],
  [
    "up blocks that do not mirror the down blocks",
    () => parseUNetConfig({ ...nano("unet"), up_block_types: ["UpBlock2D", "UpBlock2D", "UpBlock2D"] }),
    "unsupported",
    'unet/config.json: up_block_types is ["UpBlock2D","UpBlock2D","UpBlock2D"]; wanted: ' +
      '["CrossAttnUpBlock2D","CrossAttnUpBlock2D","UpBlock2D"]',
  ],
  [
    "another block",
    () => parseUNetConfig({ ...nano("unet"), down_block_types: ["DownBlock2D", "DownBlock2D", "AttnDownBlock2D"] }),
    "unsupported",
    'unet/config.json: down_block_types is ["DownBlock2D","DownBlock2D","AttnDownBlock2D"]; wanted: DownBlock2D and ' +
      "CrossAttnDownBlock2D only",
  ],
  [
    "heads that do not divide",
    () => parseUNetConfig({ ...nano("unet"), attention_head_dim: [1, 1, 5] }),
    "unsupported",
    "unet/config.json: attention_head_dim is [1,1,5]; wanted: a divisor of level 2's 128 channels",
  ],
  [
    "a missing width",
    () => parseUNetConfig(without(nano("unet"), "cross_attention_dim")),
    "bad_file",
    "unet/config.json: cross_attention_dim is missing; wanted: a whole number above 0",
  ],
  [
    "a width that is no number",
    () => parseUNetConfig({ ...nano("unet"), cross_attention_dim: "128" }),
    "unsupported",
    'unet/config.json: cross_attention_dim is "128"; wanted: a whole number above 0',
  ],
  ["a list", () => parseUNetConfig([]), "bad_file", "unet/config.json: expected a JSON object, found []"],
  [
    "another autoencoder",
    () => parseVaeConfig({ ...nano("vae"), _class_name: "AutoencoderTiny" }),
    "unsupported",
    'vae/config.json: _class_name is "AutoencoderTiny"; wanted: "AutoencoderKL"',
  ],
  [
    "a mean without a deviation",
    () => parseVaeConfig({ ...nano("vae"), latents_mean: [0, 0, 0, 0] }),
    "bad_file",
    "vae/config.json: latents_std is missing; wanted: latents_mean and latents_std together",
  ],
  [
    "means for another number of channels",
    () => parseVaeConfig({ ...nano("vae"), latents_mean: [0], latents_std: [1] }),
    "unsupported",
    "vae/config.json: latents_mean is [0]; wanted: 4 numbers, one a latent channel",
  ],
  [
    "an encoder's activation",
    () => parseClipConfig({ ...nano("text_encoder"), hidden_act: "relu" }),
    "unsupported",
    'text_encoder/config.json: hidden_act is "relu"; wanted: "quick_gelu" or "gelu"',
  ],
  [
    "an encoder that is not CLIP's",
    () => parseClipConfig({ ...nano("text_encoder"), model_type: "t5" }),
    "unsupported",
    'text_encoder/config.json: model_type is "t5"; wanted: "clip_text_model"',
  ],
])("%s is refused by field and value", (_, parse, code, message) => {
  expect(parse).toThrow(expect.objectContaining({ code, message }));
});

const size = fc.integer({ min: 1, max: 4 });
const clip: fc.Arbitrary<ClipConfig> = fc.record({
  vocabSize: fc.integer({ min: 2, max: 60000 }),
  hiddenSize: size.map((n) => 64 * n),
  intermediateSize: size.map((n) => 96 * n),
  layers: size,
  heads: fc.constantFrom(1, 2, 4),
  maxPositions: fc.integer({ min: 2, max: 300 }),
  activation: fc.constantFrom("quick_gelu", "gelu"),
  layerNormEps: fc.constantFrom(1e-5, 1e-6),
  eosRule: fc.constantFrom({ kind: "highest" }, { kind: "first", id: 49407 }),
});
const vae: fc.Arbitrary<VaeConfig> = fc.integer({ min: 1, max: 4 }).chain((levels) =>
  fc.record(
    {
      inChannels: size,
      outChannels: size,
      latentChannels: fc.constant(4),
      blockOutChannels: fc.array(
        size.map((n) => 32 * n),
        { minLength: levels, maxLength: levels },
      ),
      layersPerBlock: size,
      normGroups: fc.constantFrom(8, 16, 32),
      scalingFactor: fc.double({ min: 0.01, max: 2, noNaN: true }),
      shiftFactor: fc.double({ min: -1, max: 1, noNaN: true }).map((x) => x + 0),
      useQuantConv: fc.boolean(),
      usePostQuantConv: fc.boolean(),
      midBlockAttention: fc.boolean(),
    },
    {
      requiredKeys: [
        "inChannels",
        "outChannels",
        "latentChannels",
        "blockOutChannels",
        "layersPerBlock",
        "normGroups",
        "scalingFactor",
        "useQuantConv",
        "usePostQuantConv",
        "midBlockAttention",
      ],
    },
  ),
);
const unet: fc.Arbitrary<UNetConfig> = fc.integer({ min: 1, max: 4 }).chain((levels) => {
  const perLevel = <T>(item: fc.Arbitrary<T>) => fc.array(item, { minLength: levels, maxLength: levels });
  return fc.record({
    sampleSize: size,
    inChannels: size,
    outChannels: size,
    blockOutChannels: perLevel(size.map((n) => 64 * n)),
    layersPerBlock: size,
    attention: perLevel(fc.boolean()),
    transformerLayersPerBlock: perLevel(size),
    heads: perLevel(fc.constantFrom(1, 2, 4)),
    crossAttentionDim: size.map((n) => 64 * n),
    additionTimeEmbedDim: size.map((n) => 8 * n),
    projectionInputDim: size.map((n) => 16 * n),
    normGroups: fc.constantFrom(8, 32),
    normEps: fc.constantFrom(1e-5, 1e-6),
    flipSinToCos: fc.boolean(),
    freqShift: fc.constantFrom(0, 1),
    useLinearProjection: fc.boolean(),
  });
});

test("what is written is read back", () => {
  const projected = clip.chain((c) => size.map((n) => ({ ...c, projectionDim: 16 * n })));
  fc.assert(
    fc.property(fc.record({ unet, vae, textEncoder: clip, textEncoder2: projected }), (configs) => {
      const text = JSON.stringify(configsToJson(configs));
      expect(parseConfigs(JSON.parse(text), "here")).toEqual(configs);
    }),
    { numRuns: 200 },
  );
});

/** SDXL's rules, by which a configuration can be told from shapes, at other sizes. */
const bySdxlRules: fc.Arbitrary<SdxlConfigs> = fc.record({ unet, vae, clip, second: clip, depth: size }).map((c) => {
  const encoder = (config: ClipConfig, base: ClipConfig): ClipConfig => ({
    ...base,
    vocabSize: config.vocabSize,
    hiddenSize: config.hiddenSize,
    intermediateSize: config.intermediateSize,
    layers: config.layers,
    maxPositions: config.maxPositions,
    heads: config.hiddenSize / 64,
  });
  const { shiftFactor: _, ...vae } = c.vae;
  const { sampleSize: __, ...free } = c.unet;
  // The middle block always has a transformer as deep as the last level's, so a last level without one cannot be told.
  const attention = free.attention.map((has, level) => has || level === free.attention.length - 1);
  return {
    unet: {
      ...SDXL_BASE.unet,
      ...free,
      attention,
      transformerLayersPerBlock: free.transformerLayersPerBlock.map((n, level) => (attention[level] ? n : 1)),
      heads: free.blockOutChannels.map((n) => n / 64),
      projectionInputDim: 6 * free.additionTimeEmbedDim + 1280,
      normGroups: 32,
      normEps: 1e-5,
      flipSinToCos: true,
      freqShift: 0,
    },
    vae: { ...vae, normGroups: 32, scalingFactor: 0.13025 },
    textEncoder: encoder(c.clip, SDXL_BASE.textEncoder),
    textEncoder2: encoder(c.second, SDXL_BASE.textEncoder2),
  };
});

test("a configuration that follows SDXL's rules is told from the shapes of its single file", () => {
  fc.assert(
    fc.property(bySdxlRules, (configs) => {
      const shapes = new Map<string, readonly number[]>();
      for (const component of COMPONENTS) {
        for (const { sgm } of parametersOf(component, configs)!) shapes.set(SGM_PREFIX[component] + sgm.key, sgm.shape);
      }
      expect(inferConfigs((key) => shapes.get(key), "file")).toEqual(configs);
    }),
    { numRuns: 100 },
  );
});

test("blocks left out, as in SSD-1B, and other size conditioning are refused", () => {
  const infer = (edit: (shapes: Map<string, readonly number[]>) => void) => () => {
    const shapes = new Map<string, readonly number[]>();
    for (const component of COMPONENTS) {
      for (const { sgm } of parametersOf(component, SDXL_BASE)!) shapes.set(SGM_PREFIX[component] + sgm.key, sgm.shape);
    }
    edit(shapes);
    return inferConfigs((key) => shapes.get(key), "file");
  };
  const drop = (part: string) => (shapes: Map<string, readonly number[]>) => {
    for (const key of [...shapes.keys()]) if (key.includes(part)) shapes.delete(key);
  };
  expect(infer(drop("middle_block.1.transformer_blocks.9."))).toThrow(
    /depth \[0,0\] \[2,2\] \[10,10\] going down, 9 in/,
  );
  expect(infer(drop("output_blocks.1.1.transformer_blocks.4."))).toThrow(/going up; one depth a level/);
  expect(infer(drop("input_blocks.5.1.transformer_blocks."))).toThrow(/\[2,0\]/);
  expect(infer(drop("label_emb"))).toThrow(/label_emb.0.0.weight is missing/);
  expect(infer((s) => s.set("model.diffusion_model.label_emb.0.0.weight", [1536, 2561]))).toThrow(
    /six size embeddings/,
  );
});
