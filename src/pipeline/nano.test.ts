/**
 * @file The shipped checkpoint against what an independent PyTorch implementation computed with it: every tensor on the
 * way from prompt to picture. Bounds are the checkpoint's README's.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, expect, test } from "vitest";
import { noiseFor } from "../base/random/noise.ts";
import { openSafetensors, readFloat32, readTensorBytes } from "../formats/safetensors/index.ts";
import { onnxRuntime } from "../runtime/onnx/session.ts";
import { float32 } from "../runtime/runtime.ts";
import {
  discreteTable,
  guidedDenoise,
  initialLatents,
  makeSchedule,
  predictionFor,
  sampleDdim,
} from "../sampling/index.ts";
import { encodePrompts, timeIdsOf } from "./conditioning.ts";
import { type Conditioning, unetCall, unetFeeds } from "./denoise.ts";
import { planesFromImage } from "./image.ts";
import { openPipeline } from "./pipeline.ts";
import { planPrompt } from "./prompt/plan.ts";
import { decodeLatents, encodeImage, unscaled } from "./vae.ts";

const model = join(import.meta.dirname, "../../test/fixtures/nano-bootstrap");
const cases: { prompt: string; seed: number; steps: number; guidance: number; file: string }[] = JSON.parse(
  readFileSync(join(model, "expected/expected.json"), "utf8"),
);
const expected = await openSafetensors(join(model, "expected/expected.safetensors"));
const tensor = (name: string) => readFloat32(expected, name);
const pipeline = await openPipeline(model, {
  runtime: onnxRuntime({ threads: 2 }),
  clipSkip: 2,
  budget: { comfort: 2 ** 32, limit: 2 ** 32 },
});
afterAll(() => pipeline.close());

const size = { originalHeight: 128, originalWidth: 128, cropTop: 0, cropLeft: 0, targetHeight: 128, targetWidth: 128 };
const sizes = { batch: 2, height: 16, width: 24, tokens: 77 };
const plans = [...cases.map(({ prompt }) => prompt), ""].map((text) => planPrompt(text, pipeline.tokenizer));
const conditionings: Conditioning[] = (await encodePrompts(pipeline, plans)).map(({ parts }) => {
  const { states, tokens, pooled } = parts[0]!.schedule[0]!.context;
  return { context: states, tokens, pooled, timeIds: timeIdsOf(size) };
});
const empty = conditionings.at(-1)!;

function relativeError(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  expect(ours.length).toBe(theirs.length);
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < theirs.length; i++) {
    difference = Math.max(difference, Math.abs(ours[i]! - theirs[i]!));
    largest = Math.max(largest, Math.abs(theirs[i]!));
  }
  return difference / largest;
}

const part = (all: Float32Array, index: number, of: number) =>
  all.subarray((index * all.length) / of, ((index + 1) * all.length) / of);

test("token ids of both encoders", async () => {
  for (const [name, pick] of [
    ["token_ids", "ids"],
    ["token_ids_2", "ids2"],
  ] as const) {
    const bytes = (await readTensorBytes(expected, name)).slice();
    const theirs = Array.from(new BigInt64Array(bytes.buffer), Number);
    const ours = plans.slice(0, 5).flatMap(({ parts }) => [...parts[0]!.schedule[0]!.chunks[0]![pick]]);
    expect(ours).toEqual(theirs);
  }
});

test("context and pooled text", async () => {
  const [context, pooled] = [await tensor("context"), await tensor("pooled")];
  for (let k = 0; k < 5; k++) {
    expect(relativeError(conditionings[k]!.context, part(context, k, 5))).toBeLessThan(1e-4);
    expect(relativeError(conditionings[k]!.pooled, part(pooled, k, 5))).toBeLessThan(1e-4);
  }
});

test("one call of the UNet, wide, two texts, two timesteps", async () => {
  const session = await pipeline.shelf.take("unet", sizes);
  const layout = { batch: 1, channels: 4, height: 16, width: 24 };
  const halves = conditionings.slice(0, 2).map((c) => ({ ...c, timeIds: [128, 192, 0, 0, 128, 192] }));
  const sample = await tensor("unet_sample");
  const bytes = (await readTensorBytes(expected, "unet_timestep")).slice();
  const timesteps = Float32Array.from(new BigInt64Array(bytes.buffer), Number);
  const feeds = unetFeeds(sample.subarray(0, sample.length / 2), 0, layout, halves);
  const { output } = await session.run({
    ...feeds,
    sample: float32(sample, [2, 4, 16, 24]),
    timestep: float32(timesteps, [2]),
  });
  expect(relativeError(output!.data as Float32Array, await tensor("unet_output"))).toBeLessThan(1e-4);
});

test("the autoencoder, both ways", async () => {
  const config = pipeline.checkpoint.configs.vae!;
  // Both latents of the fixture are scaled, as the UNet sees them; its image is the decoder's output before rounding.
  const [latent, image, mean] = [await tensor("vae_latent"), await tensor("vae_image"), await tensor("vae_mean")];
  const decoder = await pipeline.shelf.take("vaeDecoder", sizes);
  const raw = unscaled(config, { data: latent, height: 16, width: 24 });
  const decoded = await decoder.run({ latents: float32(raw, [1, 4, 16, 24]) });
  expect(relativeError(decoded.image!.data as Float32Array, image)).toBeLessThan(1e-4);
  const encoder = await pipeline.shelf.take("vaeEncoder", sizes);
  const encoded = await encoder.run({ image: float32(image, [1, 3, 128, 192]) }, ["mean"]);
  const scaled = (encoded.mean!.data as Float32Array).map((v) => v * config.scalingFactor);
  expect(relativeError(scaled, mean)).toBeLessThan(1e-4);
});

test.each(cases.map((c, k) => [c.prompt, k, c] as const))("%s", async (_prompt, k, { seed, steps, guidance, file }) => {
  const table = discreteTable({ zeroSnr: "exact" });
  const { sigmas, timesteps } = makeSchedule("trailing", table, steps);
  expect(timesteps).toEqual([999, 899, 799, 699, 599, 499, 399, 299, 199, 99]);
  const layout = { batch: 1, channels: 4, height: 16, width: 16 };
  const session = await pipeline.shelf.take("unet", sizes);
  const conditional = [{ weight: 1, conditioning: conditionings[k]! }];
  const network = unetCall(session, layout, () => ({ conditional, unconditional: empty }));
  const denoise = guidedDenoise(predictionFor("v", table), network, { scale: guidance }, layout);
  const noise = noiseFor("cpu", seed, [1, 4, 16, 16]);
  // The same normals to 2 ulp, which 3e-7 relative is at any size.
  expect(relativeError(noise, await tensor(`noise_${k}`))).toBeLessThan(3e-7);

  const path = await tensor(`x0_path_${k}`);
  const walk = sampleDdim(denoise, initialLatents(noise, sigmas[0]!), sigmas);
  let step = await walk.next();
  for (let i = 0; !step.done; i++) {
    expect(relativeError(step.value.denoised, part(path, i, steps)), `step ${i}`).toBeLessThan(1e-3);
    step = await walk.next();
  }
  expect(relativeError(step.value, await tensor(`latent_${k}`))).toBeLessThan(1e-3);

  const latents = { data: step.value, height: 16, width: 16 };
  const decoder = await pipeline.shelf.take("vaeDecoder", sizes);
  const { value: image } = await decodeLatents(decoder, pipeline.checkpoint.configs.vae!, latents).next();
  const theirs = await sharp(join(model, "expected", file))
    .removeAlpha()
    .raw()
    .toBuffer();
  expect(psnr((image as { rgb: Uint8Array }).rgb, theirs)).toBeGreaterThan(45);
});

function psnr(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  const square = a.reduce((sum, v, i) => sum + (v - b[i]!) ** 2, 0) / a.length;
  return 10 * Math.log10(255 ** 2 / square);
}

test("a picture, encoded, decodes to about itself", async () => {
  const config = pipeline.checkpoint.configs.vae!;
  const raw = await sharp(join(model, "expected/1.png")).removeAlpha().raw().toBuffer();
  const image = { width: 128, height: 128, rgb: new Uint8Array(raw) };
  const latents = await encodeImage(await pipeline.shelf.take("vaeEncoder", sizes), config, image);
  const decoder = await pipeline.shelf.take("vaeDecoder", sizes);
  const whole = (await decodeLatents(decoder, config, latents).next()).value as typeof image;
  // The autoencoder's own loss, which its README gives as 25 dB; a wrong scale or channel order gives less than 15.
  expect(psnr(whole.rgb, image.rgb)).toBeGreaterThan(22);
  // In overlapping tiles it is nearly the same picture, without seams.
  const tiles = decodeLatents(decoder, config, latents, { tile: 12, overlap: 4 });
  let next = await tiles.next();
  while (!next.done) next = await tiles.next();
  expect(psnr(next.value.rgb, whole.rgb)).toBeGreaterThan(20);
  expect(planesFromImage(image)[0]).toBeCloseTo(image.rgb[0]! / 127.5 - 1, 6);
});
