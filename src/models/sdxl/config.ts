/**
 * @file The sizes of SDXL's four networks, in diffusers' terms written in camelCase.
 *
 * Only what changes the arithmetic is here. What diffusers can also do (other activations, class labels, adapters) is
 * refused by the parsers in `config-json.ts`, so that a graph builder never meets it.
 */

/** UNet2DConditionModel. Lists go from the finest level to the coarsest; up blocks mirror the down blocks. */
export type UNetConfig = {
  /** Latents a side that the model was made for; SDXL's 128 where nothing is said. */
  readonly sampleSize?: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly blockOutChannels: readonly number[];
  /** Residual blocks a down level; an up level has one more. */
  readonly layersPerBlock: number;
  /** Whether a level has transformers (`CrossAttnDownBlock2D`). The middle block always has one. */
  readonly attention: readonly boolean[];
  /** Depth of each transformer of a level; the middle block takes the last. Meaningless where there is no attention. */
  readonly transformerLayersPerBlock: readonly number[];
  /** Number of heads a level. diffusers stores it as `attention_head_dim`, a name kept by mistake. */
  readonly heads: readonly number[];
  readonly crossAttentionDim: number;
  /** Width of the sinusoidal embedding of each of the six size numbers. */
  readonly additionTimeEmbedDim: number;
  /** `projection_class_embeddings_input_dim`: six size embeddings and the pooled text side by side. */
  readonly projectionInputDim: number;
  readonly normGroups: number;
  readonly normEps: number;
  readonly flipSinToCos: boolean;
  readonly freqShift: number;
  /** Transformers enter and leave by a matrix [c, c] instead of a 1x1 convolution [c, c, 1, 1]. */
  readonly useLinearProjection: boolean;
};

/** AutoencoderKL. */
export type VaeConfig = {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  readonly blockOutChannels: readonly number[];
  /** Residual blocks an encoder level; a decoder level has one more. */
  readonly layersPerBlock: number;
  readonly normGroups: number;
  /** The UNet sees (latents - shiftFactor) * scalingFactor, or the standardised latents if mean and std are given. */
  readonly scalingFactor: number;
  readonly shiftFactor?: number;
  readonly latentsMean?: readonly number[];
  readonly latentsStd?: readonly number[];
  readonly useQuantConv: boolean;
  readonly usePostQuantConv: boolean;
  readonly midBlockAttention: boolean;
};

/** Which position of a text stands for all of it. */
export type EosRule =
  /** The first of the highest ids: transformers' reading of the legacy `eos_token_id: 2`, and OpenCLIP's. */
  { readonly kind: "highest" } | { readonly kind: "first"; readonly id: number };

/** CLIPTextModel, and CLIPTextModelWithProjection where `projectionDim` is given. */
export type ClipConfig = {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly maxPositions: number;
  readonly activation: "quick_gelu" | "gelu";
  readonly layerNormEps: number;
  readonly projectionDim?: number;
  readonly eosRule: EosRule;
};

export type SdxlConfigs = {
  readonly unet: UNetConfig;
  readonly vae?: VaeConfig;
  readonly textEncoder: ClipConfig;
  readonly textEncoder2: ClipConfig;
};

/** Pixels a latent, along each side. */
export function vaeFactor(config: VaeConfig): number {
  return 2 ** (config.blockOutChannels.length - 1);
}

/** The side of the square, in pixels, that a model is meant for; SDXL's where it does not say. */
export function usualSide({ unet, vae }: { readonly unet: UNetConfig; readonly vae: VaeConfig }): number {
  return (unet.sampleSize ?? 128) * vaeFactor(vae);
}

/** Width of the UNet's time embedding. */
export function timeEmbedDim(config: UNetConfig): number {
  return 4 * config.blockOutChannels[0]!;
}

/** Stable Diffusion XL base 1.0, which every Illustrious and NoobAI checkpoint shares. */
export const SDXL_BASE: Required<SdxlConfigs> = {
  unet: {
    sampleSize: 128,
    inChannels: 4,
    outChannels: 4,
    blockOutChannels: [320, 640, 1280],
    layersPerBlock: 2,
    attention: [false, true, true],
    transformerLayersPerBlock: [1, 2, 10],
    heads: [5, 10, 20],
    crossAttentionDim: 2048,
    additionTimeEmbedDim: 256,
    projectionInputDim: 2816,
    normGroups: 32,
    normEps: 1e-5,
    flipSinToCos: true,
    freqShift: 0,
    useLinearProjection: true,
  },
  vae: {
    inChannels: 3,
    outChannels: 3,
    latentChannels: 4,
    blockOutChannels: [128, 256, 512, 512],
    layersPerBlock: 2,
    normGroups: 32,
    scalingFactor: 0.13025,
    useQuantConv: true,
    usePostQuantConv: true,
    midBlockAttention: true,
  },
  textEncoder: {
    vocabSize: 49408,
    hiddenSize: 768,
    intermediateSize: 3072,
    layers: 12,
    heads: 12,
    maxPositions: 77,
    activation: "quick_gelu",
    layerNormEps: 1e-5,
    eosRule: { kind: "highest" },
  },
  textEncoder2: {
    vocabSize: 49408,
    hiddenSize: 1280,
    intermediateSize: 5120,
    layers: 32,
    heads: 20,
    maxPositions: 77,
    activation: "gelu",
    layerNormEps: 1e-5,
    projectionDim: 1280,
    eosRule: { kind: "highest" },
  },
};
