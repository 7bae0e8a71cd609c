/** @file For studies: one model's guided answer to one prompt, as a function of noisy latents and their noise level. */

import { encodePrompts } from "../dist/pipeline/conditioning.js";
import { unetCall } from "../dist/pipeline/denoise.js";
import { decodeLatents } from "../dist/pipeline/vae.js";
import { guidedDenoise } from "../dist/sampling/index.js";
import { conditioningOf, layoutOf, split } from "../dist/tasks/drawing.js";
import { generateOptions } from "../dist/tasks/generate-options.js";
import { loadedPipeline } from "../dist/tasks/loaded-pipeline.js";
import { settle } from "../dist/tasks/settle.js";

/**
 * @param given options of `generate`; one picture
 * @returns `denoise(x, sigma)`, the guess at the clean latents; `decode(latents)`, their picture; and what `generate` would have settled on
 */
export async function denoiser(given) {
  const options = generateOptions.parse(given);
  const pipeline = await loadedPipeline(options);
  const settled = await settle(options, pipeline);
  const prompts = await encodePrompts(pipeline, settled.plans);
  const layout = layoutOf(settled, pipeline, 1);
  const unet = await pipeline.shelf.take("unet", settled.unetSizes);
  const network = unetCall(unet, layout, conditioningOf(settled, prompts));
  const denoise = guidedDenoise(settled.noiseModel.prediction, network, settled.guidance, layout);
  const decode = async (latents) => {
    const decoder = await pipeline.shelf.take("vaeDecoder", settled.decodeSizes);
    const tiles = decodeLatents(decoder, pipeline.checkpoint.configs.vae, split(latents, layout)[0], settled.tiling);
    let tile = await tiles.next();
    while (!tile.done) tile = await tiles.next();
    return tile.value;
  };
  return { denoise, decode, options, pipeline, settled, layout };
}
