/** @file The four networks of a checkpoint by the names that the benchmarks use: what to build and where its weights lie. */

import { clipGraph } from "../dist/models/sdxl/clip.js";
import { unetGraph } from "../dist/models/sdxl/unet.js";
import { vaeDecoderGraph, vaeEncoderGraph } from "../dist/models/sdxl/vae.js";

/** @param {import("../dist/models/sdxl/checkpoint.js").Checkpoint} checkpoint */
export function networksOf({ configs, weights }, { taps = false } = {}) {
  return {
    text_encoder: { graph: () => clipGraph(configs.textEncoder), weights: weights.textEncoder },
    text_encoder_2: { graph: () => clipGraph(configs.textEncoder2), weights: weights.textEncoder2 },
    unet: { graph: () => unetGraph(configs.unet, { taps }), weights: weights.unet },
    decode: { graph: () => vaeDecoderGraph(configs.vae), weights: weights.vae },
    encode: { graph: () => vaeEncoderGraph(configs.vae), weights: weights.vae },
  };
}
