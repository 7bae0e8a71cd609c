/**
 * @file The configurations of a single-file checkpoint that carries none, from the shapes of its tensors. What shapes
 * do not tell is as SDXL has it: 64 channels a head, 32 groups, its activations and the VAE's scale.
 */

import { IllustriousError } from "../../base/error.ts";
import { type ClipConfig, SDXL_BASE, type SdxlConfigs, type UNetConfig, type VaeConfig } from "./config.ts";
import { SGM_PREFIX } from "./names.ts";

/** Shape of the tensor called so, without the component's prefix; undefined if there is none. */
export type Shapes = (key: string) => readonly number[] | undefined;

const CHANNELS_PER_HEAD = 64;
const GROUPS = 32;

/** @param shapes of the whole file, by its own keys. @throws IllustriousError `unsupported`, naming what does not fit */
export function inferConfigs(shapes: Shapes, path: string): SdxlConfigs {
  const part = (prefix: string): Shapes => {
    return (key) => shapes(prefix + key);
  };
  const vae = part(SGM_PREFIX.vae);
  const textEncoder2 = inferOpenClip(part(SGM_PREFIX.textEncoder2), path);
  return {
    unet: inferUNet(part(SGM_PREFIX.unet), textEncoder2.projectionDim!, path),
    ...(vae("decoder.conv_in.weight") && { vae: inferVae(vae, path) }),
    textEncoder: inferClip(part(SGM_PREFIX.textEncoder), path),
    textEncoder2,
  };
}

/** @param pooledDim width of the pooled text, which stands beside the six size embeddings */
export function inferUNet(shapes: Shapes, pooledDim: number, path: string): UNetConfig {
  const at = reader(shapes, path);
  const levels: { channels: number; blocks: number; depths: number[] }[] = [];
  let level = { channels: 0, blocks: 0, depths: [] as number[] };
  for (let n = 1; ; n++) {
    const resnet = shapes(`input_blocks.${n}.0.in_layers.2.weight`);
    if (resnet) {
      level.channels = resnet[0]!;
      level.blocks++;
      level.depths.push(transformerDepth(shapes, `input_blocks.${n}.1`));
    } else {
      levels.push(level);
      if (!shapes(`input_blocks.${n}.0.op.weight`)) break;
      level = { channels: 0, blocks: 0, depths: [] };
    }
  }
  const blocks = levels[0]!.blocks;
  const depths = levels.map(({ depths }) => depths[0] ?? 0);
  const middle = transformerDepth(shapes, "middle_block.1");
  const up = Array.from({ length: levels.length * (blocks + 1) }, (_, n) =>
    transformerDepth(shapes, `output_blocks.${n}.1`),
  );
  const expectedUp = depths.flatMap((depth) => new Array<number>(blocks + 1).fill(depth)).reverse();
  const regular =
    levels.every((l) => l.blocks === blocks && l.depths.every((d) => d === l.depths[0])) &&
    middle === depths.at(-1) &&
    up.join() === expectedUp.join();
  if (blocks === 0 || !regular) {
    const found = levels.map((l) => `[${l.depths}]`).join(" ");
    throw new IllustriousError(
      "unsupported",
      `${path}: its UNet has transformers of depth ${found} going down, ${middle} in the middle and [${up}] going up; ` +
        "one depth a level, the same both ways, is supported",
      "Distilled variants with blocks left out (SSD-1B, Segmind Vega) are of this kind; take the full model.",
    );
  }
  const blockOutChannels = levels.map(({ channels }) => channels);
  for (const channels of blockOutChannels) divisible(path, "UNet", channels);
  const deepest = depths.findIndex((depth) => depth > 0);
  const transformer = transformerPrefix(deepest, blocks);
  const projectionInputDim = at("label_emb.0.0.weight", 1);
  if ((projectionInputDim - pooledDim) % 6 !== 0 || projectionInputDim <= pooledDim) {
    throw new IllustriousError(
      "unsupported",
      `${path}: label_emb.0.0.weight takes ${projectionInputDim} numbers, which are not ${pooledDim} of pooled text and ` +
        "six size embeddings",
      "SDXL's refiner has five; it cannot be used alone.",
    );
  }
  return {
    ...SDXL_BASE.unet,
    inChannels: at("input_blocks.0.0.weight", 1),
    outChannels: at("out.2.weight", 0),
    blockOutChannels,
    layersPerBlock: blocks,
    attention: depths.map((depth) => depth > 0),
    transformerLayersPerBlock: depths.map((depth) => Math.max(depth, 1)),
    heads: blockOutChannels.map((channels) => channels / CHANNELS_PER_HEAD),
    crossAttentionDim: at(`${transformer}.transformer_blocks.0.attn2.to_k.weight`, 1),
    additionTimeEmbedDim: (projectionInputDim - pooledDim) / 6,
    projectionInputDim,
    useLinearProjection: shapes(`${transformer}.proj_in.weight`)?.length === 2,
  };
}

function transformerDepth(shapes: Shapes, prefix: string): number {
  return countWhile((n) => shapes(`${prefix}.transformer_blocks.${n}.norm1.weight`) !== undefined);
}

/** The first transformer of a level: `input_blocks` counts a level's blocks and one downsampler. */
function transformerPrefix(level: number, blocks: number): string {
  return level < 0 ? "middle_block.1" : `input_blocks.${1 + level * (blocks + 1)}.1`;
}

/** From either naming of the keys: the single file's, or diffusers'. */
export function inferVae(shapes: Shapes, path: string): VaeConfig {
  const sgm = shapes("encoder.down.0.block.0.conv1.weight") !== undefined;
  const block = (level: number, n: number) =>
    sgm ? `encoder.down.${level}.block.${n}` : `encoder.down_blocks.${level}.resnets.${n}`;
  const at = reader(shapes, path);
  const levels = countWhile((level) => shapes(`${block(level, 0)}.conv1.weight`) !== undefined);
  const blockOutChannels = Array.from({ length: levels }, (_, level) => at(`${block(level, 0)}.conv1.weight`, 0));
  for (const channels of blockOutChannels) divisible(path, "VAE", channels);
  const attention = sgm ? "encoder.mid.attn_1.norm.weight" : "encoder.mid_block.attentions.0.group_norm.weight";
  return {
    ...SDXL_BASE.vae,
    inChannels: at("encoder.conv_in.weight", 1),
    outChannels: at("decoder.conv_out.weight", 0),
    latentChannels: at("decoder.conv_in.weight", 1),
    blockOutChannels,
    layersPerBlock: countWhile((n) => shapes(`${block(0, n)}.conv1.weight`) !== undefined),
    useQuantConv: shapes("quant_conv.weight") !== undefined,
    usePostQuantConv: shapes("post_quant_conv.weight") !== undefined,
    midBlockAttention: shapes(attention) !== undefined,
  };
}

/** The first encoder, in transformers' names. */
export function inferClip(shapes: Shapes, path: string): ClipConfig {
  const at = reader(shapes, path);
  const layer = (n: number) => `text_model.encoder.layers.${n}.mlp.fc1.weight`;
  const hiddenSize = at("text_model.embeddings.token_embedding.weight", 1);
  return {
    ...SDXL_BASE.textEncoder,
    vocabSize: at("text_model.embeddings.token_embedding.weight", 0),
    hiddenSize,
    intermediateSize: at(layer(0), 0),
    layers: countWhile((n) => shapes(layer(n)) !== undefined),
    heads: clipHeads(hiddenSize, path),
    maxPositions: at("text_model.embeddings.position_embedding.weight", 0),
  };
}

/** The second encoder, in OpenCLIP's names. */
export function inferOpenClip(shapes: Shapes, path: string): ClipConfig {
  const at = reader(shapes, path);
  const layer = (n: number) => `transformer.resblocks.${n}.mlp.c_fc.weight`;
  const hiddenSize = at("token_embedding.weight", 1);
  const projectionDim = shapes("text_projection")?.[1] ?? at("text_projection.weight", 0);
  return {
    ...SDXL_BASE.textEncoder2,
    vocabSize: at("token_embedding.weight", 0),
    hiddenSize,
    intermediateSize: at(layer(0), 0),
    layers: countWhile((n) => shapes(layer(n)) !== undefined),
    heads: clipHeads(hiddenSize, path),
    maxPositions: at("positional_embedding", 0),
    projectionDim,
  };
}

function clipHeads(hiddenSize: number, path: string): number {
  if (hiddenSize % CHANNELS_PER_HEAD === 0) return hiddenSize / CHANNELS_PER_HEAD;
  throw notByRule(path, `a text encoder ${hiddenSize} wide is not made of heads of ${CHANNELS_PER_HEAD}`);
}

function divisible(path: string, network: string, channels: number): void {
  if (network === "UNet" && channels % CHANNELS_PER_HEAD !== 0)
    throw notByRule(path, `${channels} channels of its UNet are not made of heads of ${CHANNELS_PER_HEAD}`);
  if (channels % GROUPS !== 0)
    throw notByRule(path, `${channels} channels of its ${network} do not make ${GROUPS} groups`);
}

function notByRule(path: string, what: string): IllustriousError {
  return new IllustriousError(
    "unsupported",
    `${path}: no configuration in its metadata, and SDXL's rules do not give one: ${what}`,
    "Write the configuration into the metadata key illustrious.config, or use a diffusers folder.",
  );
}

/** One axis of a tensor that must be there. */
function reader(shapes: Shapes, path: string): (key: string, axis: number) => number {
  return (key, axis) => {
    const size = shapes(key)?.[axis];
    if (size !== undefined && size > 0) return size;
    const found = shapes(key) ? `has shape [${shapes(key)}]` : "is missing";
    throw new IllustriousError("missing_weight", `${path}: ${key} ${found}, so its configuration cannot be told`);
  };
}

function countWhile(holds: (n: number) => boolean): number {
  let n = 0;
  while (holds(n)) n++;
  return n;
}
