/** @file An autoencoder as a way for pictures: encoded and decoded once, without a model between. Needs `npm run build`. */

import { openVae } from "../dist/models/sdxl/checkpoint-vae.js";
import { vaeDecoderGraph, vaeEncoderGraph } from "../dist/models/sdxl/vae.js";
import { decodeLatents, encodeImage } from "../dist/pipeline/vae.js";
import { onnxRuntime } from "../dist/runtime/onnx/session.js";

/** @param vae a diffusers VAE folder, a checkpoint's folder, or a .safetensors file */
export async function throughLatents(vae) {
  const { config, bound } = await openVae(vae);
  const runtime = onnxRuntime();
  const encoder = await runtime.open(vaeEncoderGraph(config), bound.weights);
  const decoder = await runtime.open(vaeDecoderGraph(config), bound.weights);
  return async (picture) => {
    const tiles = decodeLatents(decoder, config, await encodeImage(encoder, config, picture));
    let tile = await tiles.next();
    while (!tile.done) tile = await tiles.next();
    return tile.value;
  };
}
