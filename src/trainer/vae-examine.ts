/** @file How well an autoencoder gives back pictures: signal to noise, the latents' deviation, and a sheet to look at. */

import { encodePng } from "../formats/png/index.ts";
import { type Graph, graphOf } from "../graph/graph.ts";
import * as g from "../graph/ops.ts";
import { substitute } from "../graph/substitute.ts";
import type { VaeConfig } from "../models/sdxl/config.ts";
import { vaeDecoderGraph, vaeEncoderGraph } from "../models/sdxl/vae.ts";
import { imageFromPlanes, planesFromImage, type RgbImage } from "../pipeline/image.ts";
import { sheetOf } from "../pipeline/sheet.ts";
import { float32, type Runtime, type Values } from "../runtime/runtime.ts";

export type Reconstruction = {
  /** Peak signal to noise, dB: the mean over the pictures of each one's. Pixels as 8-bit numbers, latents not drawn but at their mean. */
  readonly psnr: number;
  /** Standard deviation of all latent numbers about their common mean: what the scaling factor brings to 1. */
  readonly deviation: number;
  /** Each picture beside what became of it. */
  readonly sheet: Uint8Array;
};

/** Pictures on the sheet, in rows that keep each beside what became of it. */
const SHOWN = 12;
const PAIRS_A_ROW = 3;

export async function reconstruct(
  runtime: Runtime,
  config: VaeConfig,
  parameters: Values,
  pictures: readonly RgbImage[],
): Promise<Reconstruction> {
  const encoder = await runtime.open(weightsAsInputs(vaeEncoderGraph(config)), new Map());
  const decoder = await runtime.open(weightsAsInputs(vaeDecoderGraph(config)), new Map());
  const shown: RgbImage[][] = [];
  let [decibels, count, sum, squares] = [0, 0, 0, 0];
  for (const [i, picture] of pictures.entries()) {
    const { width, height } = picture;
    const image = float32(planesFromImage(picture), [1, 3, height, width]);
    const { mean } = await encoder.run({ image, ...parameters }, ["mean"]);
    for (const x of mean!.data as Float32Array) {
      count++;
      sum += x;
      squares += x * x;
    }
    const decoded = await decoder.run({ latents: mean!, ...parameters });
    const back = imageFromPlanes(decoded.image!.data as Float32Array, width, height);
    decibels += psnrOf(picture, back);
    if (i < SHOWN && i % PAIRS_A_ROW === 0) shown.push([]);
    if (i < SHOWN) shown.at(-1)!.push(picture, back);
  }
  await encoder.release();
  await decoder.release();
  return {
    psnr: decibels / pictures.length,
    deviation: Math.sqrt(squares / count - (sum / count) ** 2),
    sheet: encodePng(sheetOf(shown)),
  };
}

function psnrOf({ rgb }: RgbImage, { rgb: back }: RgbImage): number {
  let error = 0;
  for (let i = 0; i < rgb.length; i++) error += (rgb[i]! - back[i]!) ** 2;
  return 10 * Math.log10(255 ** 2 / Math.max(error / rgb.length, 1e-9));
}

/** The same graph fed with its weights: a learner's change from run to run. */
export function weightsAsInputs(graph: Graph): Graph {
  const outputs = Object.fromEntries(graph.outputs);
  return graphOf(
    substitute(outputs, (tensor) =>
      tensor.op === "weight" ? g.input(tensor.attributes.name, tensor.shape) : undefined,
    ),
  );
}
