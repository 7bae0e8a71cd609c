/**
 * @file The configurations as diffusers and transformers write them (`config.json` of each component folder): read, with
 * every option that is not built here refused by name, and written.
 *
 * Defaults are those of diffusers' constructors, which leave them out of old files.
 */

import { IllustriousError } from "../../base/error.ts";
import type { ClipConfig, EosRule, SdxlConfigs, UNetConfig, VaeConfig } from "./config.ts";
import { type Fields, readFields } from "./config-fields.ts";

export type ConfigJson = Record<string, unknown>;

/** `UNet2DConditionModel`'s config. @param where the file's name, for errors */
export function parseUNetConfig(json: unknown, where = "unet/config.json"): UNetConfig {
  const f = readFields(json, where);
  f.only("_class_name", ["UNet2DConditionModel"]);
  const blockOutChannels = f.counts("block_out_channels");
  const levels = blockOutChannels.length;
  const attention = attentionLevels(f, levels);
  for (const [field, allowed] of UNET_ONLY) f.only(field, allowed);
  f.oneOf("addition_embed_type", ["text_time"]);
  const layers = f.countPerLevel("layers_per_block", levels, 2);
  if (new Set(layers).size > 1) throw f.wrong("layers_per_block", "the same number at every level");
  const heads = f.countPerLevel(f.has("num_attention_heads") ? "num_attention_heads" : "attention_head_dim", levels, 8);
  const config: UNetConfig = {
    ...(f.has("sample_size") && { sampleSize: f.count("sample_size") }),
    inChannels: f.count("in_channels", 4),
    outChannels: f.count("out_channels", 4),
    blockOutChannels,
    layersPerBlock: layers[0]!,
    attention,
    transformerLayersPerBlock: f.countPerLevel("transformer_layers_per_block", levels, 1),
    heads,
    crossAttentionDim: f.count("cross_attention_dim"),
    additionTimeEmbedDim: f.count("addition_time_embed_dim"),
    projectionInputDim: f.count("projection_class_embeddings_input_dim"),
    normGroups: f.count("norm_num_groups", 32),
    normEps: f.number("norm_eps", 1e-5),
    flipSinToCos: f.flag("flip_sin_to_cos", true),
    freqShift: f.number("freq_shift", 0),
    useLinearProjection: f.flag("use_linear_projection", false),
  };
  blockOutChannels.forEach((channels, level) => {
    divides(f, "norm_num_groups", config.normGroups, channels, level);
    if (attention[level] || level === levels - 1) divides(f, "attention_head_dim", heads[level]!, channels, level);
  });
  return config;
}

/** Options of UNet2DConditionModel with the only values that SDXL checkpoints use. */
const UNET_ONLY: readonly (readonly [field: string, allowed: readonly unknown[]])[] = [
  ["act_fn", ["silu"]],
  ["mid_block_type", ["UNetMidBlock2DCrossAttn"]],
  ["time_embedding_type", ["positional"]],
  ["resnet_time_scale_shift", ["default"]],
  ["attention_type", ["default"]],
  ["conv_in_kernel", [3]],
  ["conv_out_kernel", [3]],
  ["downsample_padding", [1]],
  ["mid_block_scale_factor", [1]],
  ["center_input_sample", [false]],
  ["dual_cross_attention", [false]],
  ["only_cross_attention", [false]],
  ["mid_block_only_cross_attention", [false]],
  ["class_embeddings_concat", [false]],
  ["resnet_skip_time_act", [false]],
  ["resnet_out_scale_factor", [1]],
  ["reverse_transformer_layers_per_block", []],
  ["class_embed_type", []],
  ["num_class_embeds", []],
  ["encoder_hid_dim", []],
  ["encoder_hid_dim_type", []],
  ["time_embedding_act_fn", []],
  ["time_embedding_dim", []],
  ["time_cond_proj_dim", []],
  ["timestep_post_act", []],
  ["cross_attention_norm", []],
];

function attentionLevels(f: Fields, levels: number): boolean[] {
  const down = f.words("down_block_types");
  if (down.length !== levels) throw f.wrong("down_block_types", `${levels} of them, as block_out_channels has`);
  const attention = down.map((type) => {
    if (type !== "DownBlock2D" && type !== "CrossAttnDownBlock2D")
      throw f.wrong("down_block_types", "DownBlock2D and CrossAttnDownBlock2D only");
    return type === "CrossAttnDownBlock2D";
  });
  const up = attention.map((has) => (has ? "CrossAttnUpBlock2D" : "UpBlock2D")).reverse();
  f.only("up_block_types", [up]);
  return attention;
}

function divides(f: Fields, field: string, parts: number, channels: number, level: number): void {
  if (channels % parts !== 0) throw f.wrong(field, `a divisor of level ${level}'s ${channels} channels`);
}

/** `AutoencoderKL`'s config. */
export function parseVaeConfig(json: unknown, where = "vae/config.json"): VaeConfig {
  const f = readFields(json, where);
  f.only("_class_name", ["AutoencoderKL"]);
  f.only("act_fn", ["silu"]);
  const blockOutChannels = f.counts("block_out_channels");
  f.only("down_block_types", [blockOutChannels.map(() => "DownEncoderBlock2D")]);
  f.only("up_block_types", [blockOutChannels.map(() => "UpDecoderBlock2D")]);
  const normGroups = f.count("norm_num_groups", 32);
  for (const [level, channels] of blockOutChannels.entries())
    divides(f, "norm_num_groups", normGroups, channels, level);
  const latentChannels = f.count("latent_channels", 4);
  const perChannel = (field: string) => {
    const values = f.numbers(field);
    if (values.length !== latentChannels) throw f.wrong(field, `${latentChannels} numbers, one a latent channel`);
    return values;
  };
  if (f.has("latents_mean") !== f.has("latents_std"))
    throw f.wrong(f.has("latents_mean") ? "latents_std" : "latents_mean", "latents_mean and latents_std together");
  return {
    inChannels: f.count("in_channels", 3),
    outChannels: f.count("out_channels", 3),
    latentChannels,
    blockOutChannels,
    layersPerBlock: f.count("layers_per_block", 1),
    normGroups,
    scalingFactor: f.number("scaling_factor", 0.18215),
    ...(f.has("shift_factor") && { shiftFactor: f.number("shift_factor") }),
    ...(f.has("latents_mean") && { latentsMean: perChannel("latents_mean"), latentsStd: perChannel("latents_std") }),
    useQuantConv: f.flag("use_quant_conv", true),
    usePostQuantConv: f.flag("use_post_quant_conv", true),
    midBlockAttention: f.flag("mid_block_add_attention", true),
  };
}

/**
 * CLIP text encoder's config.
 *
 * @param projected whether `text_projection` is part of the network, as in SDXL's second encoder; by default what the
 * config's `architectures` says
 */
export function parseClipConfig(json: unknown, where = "text_encoder/config.json", projected?: boolean): ClipConfig {
  const f = readFields(json, where);
  f.only("model_type", ["clip_text_model"]);
  const hiddenSize = f.count("hidden_size", 512);
  const heads = f.count("num_attention_heads", 8);
  if (hiddenSize % heads !== 0) throw f.wrong("num_attention_heads", `a divisor of hidden_size ${hiddenSize}`);
  return {
    vocabSize: f.count("vocab_size", 49408),
    hiddenSize,
    intermediateSize: f.count("intermediate_size", 2048),
    layers: f.count("num_hidden_layers", 12),
    heads,
    maxPositions: f.count("max_position_embeddings", 77),
    activation: f.oneOf("hidden_act", ["quick_gelu", "gelu"], "quick_gelu"),
    layerNormEps: f.number("layer_norm_eps", 1e-5),
    ...((projected ?? isProjected(f)) && { projectionDim: f.count("projection_dim", 512) }),
    eosRule: eosRule(f),
  };
}

function isProjected(f: Fields): boolean {
  return f.has("architectures") && f.words("architectures").includes("CLIPTextModelWithProjection");
}

function eosRule(f: Fields): EosRule {
  const id = f.count("eos_token_id", 49407);
  // transformers: "eos_token_id was incorrect before" its change 24773: the 2 in old files means the highest id.
  return id === 2 ? { kind: "highest" } : { kind: "first", id };
}

/** All four networks; the keys are the names of diffusers' component folders. @param where for errors */
export function parseConfigs(json: unknown, where: string): SdxlConfigs {
  const f = readFields(json, where);
  const parts = json as ConfigJson;
  const need = (part: string) => {
    if (!f.has(part)) throw new IllustriousError("bad_file", `${where}: ${part} is missing`);
    return parts[part];
  };
  return {
    unet: parseUNetConfig(need("unet"), `${where}: unet`),
    ...(f.has("vae") && { vae: parseVaeConfig(parts.vae, `${where}: vae`) }),
    textEncoder: parseClipConfig(need("text_encoder"), `${where}: text_encoder`, false),
    textEncoder2: parseClipConfig(need("text_encoder_2"), `${where}: text_encoder_2`, true),
  };
}

/** The inverse of `parseConfigs`: what `config.json` files hold, and the metadata key `illustrious.config`. */
export function configsToJson(configs: SdxlConfigs): Record<string, ConfigJson> {
  return {
    unet: unetToJson(configs.unet),
    ...(configs.vae && { vae: vaeToJson(configs.vae) }),
    text_encoder: clipToJson(configs.textEncoder),
    text_encoder_2: clipToJson(configs.textEncoder2),
  };
}

export function unetToJson(c: UNetConfig): ConfigJson {
  return {
    _class_name: "UNet2DConditionModel",
    act_fn: "silu",
    addition_embed_type: "text_time",
    addition_time_embed_dim: c.additionTimeEmbedDim,
    attention_head_dim: c.heads,
    block_out_channels: c.blockOutChannels,
    cross_attention_dim: c.crossAttentionDim,
    down_block_types: c.attention.map((has) => (has ? "CrossAttnDownBlock2D" : "DownBlock2D")),
    flip_sin_to_cos: c.flipSinToCos,
    freq_shift: c.freqShift,
    in_channels: c.inChannels,
    layers_per_block: c.layersPerBlock,
    mid_block_type: "UNetMidBlock2DCrossAttn",
    norm_eps: c.normEps,
    norm_num_groups: c.normGroups,
    out_channels: c.outChannels,
    projection_class_embeddings_input_dim: c.projectionInputDim,
    ...(c.sampleSize !== undefined && { sample_size: c.sampleSize }),
    transformer_layers_per_block: c.transformerLayersPerBlock,
    up_block_types: c.attention.map((has) => (has ? "CrossAttnUpBlock2D" : "UpBlock2D")).reverse(),
    use_linear_projection: c.useLinearProjection,
  };
}

export function vaeToJson(c: VaeConfig): ConfigJson {
  return {
    _class_name: "AutoencoderKL",
    act_fn: "silu",
    block_out_channels: c.blockOutChannels,
    down_block_types: c.blockOutChannels.map(() => "DownEncoderBlock2D"),
    in_channels: c.inChannels,
    latent_channels: c.latentChannels,
    ...(c.latentsMean && { latents_mean: c.latentsMean, latents_std: c.latentsStd }),
    layers_per_block: c.layersPerBlock,
    mid_block_add_attention: c.midBlockAttention,
    norm_num_groups: c.normGroups,
    out_channels: c.outChannels,
    scaling_factor: c.scalingFactor,
    ...(c.shiftFactor !== undefined && { shift_factor: c.shiftFactor }),
    up_block_types: c.blockOutChannels.map(() => "UpDecoderBlock2D"),
    use_post_quant_conv: c.usePostQuantConv,
    use_quant_conv: c.useQuantConv,
  };
}

export function clipToJson(c: ClipConfig): ConfigJson {
  return {
    architectures: [c.projectionDim === undefined ? "CLIPTextModel" : "CLIPTextModelWithProjection"],
    eos_token_id: c.eosRule.kind === "highest" ? 2 : c.eosRule.id,
    hidden_act: c.activation,
    hidden_size: c.hiddenSize,
    intermediate_size: c.intermediateSize,
    layer_norm_eps: c.layerNormEps,
    max_position_embeddings: c.maxPositions,
    model_type: "clip_text_model",
    num_attention_heads: c.heads,
    num_hidden_layers: c.layers,
    ...(c.projectionDim !== undefined && { projection_dim: c.projectionDim }),
    vocab_size: c.vocabSize,
  };
}
