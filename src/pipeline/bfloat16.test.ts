/**
 * @file A whole picture from bfloat16 weights against the same numbers in float32. Every bfloat16 is a float32, so where
 * the weights are widened must not matter. The files are made here from the shipped checkpoint, bit by bit.
 */

import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { noiseFor } from "../base/random/noise.ts";
import { openSafetensors, readFloat32, writeSafetensors } from "../formats/safetensors/index.ts";
import { openCheckpoint } from "../models/sdxl/checkpoint.ts";
import type { Residency } from "../runtime/onnx/residency.ts";
import { onnxRuntime } from "../runtime/onnx/session.ts";
import {
  discreteTable,
  guidedDenoise,
  initialLatents,
  makeSchedule,
  predictionFor,
  sampleDdim,
} from "../sampling/index.ts";
import { encodePrompts, timeIdsOf } from "./conditioning.ts";
import { unetCall } from "./denoise.ts";
import { openPipeline } from "./pipeline.ts";
import { planPrompt } from "./prompt/plan.ts";
import { decodeLatents } from "./vae.ts";

const nano = join(import.meta.dirname, "../../test/fixtures/nano-bootstrap");
const FILES = [
  "text_encoder/model",
  "text_encoder_2/model",
  "unet/diffusion_pytorch_model",
  "vae/diffusion_pytorch_model",
];

const folder = await mkdtemp(join(tmpdir(), "illustrious-bfloat16-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The upper half of each float32, rounded to the nearest even: what a bfloat16 is. */
function upperHalves(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, (b) => (b + 0x7fff + ((b >>> 16) & 1)) >>> 16);
}

const widened = (halves: Uint16Array) => new Float32Array(Uint32Array.from(halves, (h) => h << 16).buffer);

async function copyAs(dtype: "BF16" | "F32"): Promise<string> {
  const path = join(folder, dtype);
  await cp(nano, path, { recursive: true, filter: (name) => !name.endsWith(".safetensors") && !name.endsWith(".png") });
  for (const name of FILES) {
    const source = await openSafetensors(join(nano, `${name}.safetensors`));
    const tensors = await Promise.all(
      [...source.tensors.values()].map(async ({ name, shape }) => {
        const halves = upperHalves(await readFloat32(source, name));
        const { buffer } = dtype === "BF16" ? halves : widened(halves);
        return { name, dtype, shape, data: new Uint8Array(buffer) };
      }),
    );
    await writeSafetensors(join(path, `${name}.safetensors`), tensors, source.metadata);
  }
  return path;
}

async function picture(path: string, residency: Residency): Promise<Uint8Array> {
  const budget = { comfort: 2 ** 32, limit: 2 ** 32 };
  const pipeline = await openPipeline(path, { runtime: onnxRuntime({ threads: 1, residency }), clipSkip: 2, budget });
  const { shelf, tokenizer, checkpoint } = pipeline;
  const plans = ["1girl, red hair, blue eyes", ""].map((text) => planPrompt(text, tokenizer));
  const pixels = { originalHeight: 64, originalWidth: 64, cropTop: 0, cropLeft: 0, targetHeight: 64, targetWidth: 64 };
  const [text, none] = (await encodePrompts(pipeline, plans)).map(({ parts }) => {
    const { states, tokens, pooled } = parts[0]!.schedule[0]!.context;
    return { context: states, tokens, pooled, timeIds: timeIdsOf(pixels) };
  });
  const layout = { batch: 1, channels: 4, height: 8, width: 8 };
  const unet = await shelf.take("unet", { batch: 2, height: 8, width: 8, tokens: 77 });
  const network = unetCall(unet, layout, () => ({
    conditional: [{ weight: 1, conditioning: text! }],
    unconditional: none!,
  }));
  const table = discreteTable({ zeroSnr: "exact" });
  const { sigmas } = makeSchedule("trailing", table, 4);
  const denoise = guidedDenoise(predictionFor("v", table), network, { scale: 4 }, layout);
  const walk = sampleDdim(denoise, initialLatents(noiseFor("cpu", 7, [1, 4, 8, 8]), sigmas[0]!), sigmas);
  let step = await walk.next();
  while (!step.done) step = await walk.next();
  const decoder = await shelf.take("vaeDecoder", { batch: 1, height: 8, width: 8 });
  const latents = { data: step.value, height: 8, width: 8 };
  const { value: image } = await decodeLatents(decoder, checkpoint.configs.vae!, latents).next();
  await pipeline.close();
  return (image as { rgb: Uint8Array }).rgb;
}

const [half, full] = [await copyAs("BF16"), await copyAs("F32")];

// Two models are opened, seconds on a busy machine.
test.each(["folded", "mapped"] as const)(
  "%s: the picture of the same numbers",
  { timeout: 300_000 },
  async (residency) => {
    const rgb = await picture(half, residency);
    expect(rgb).toEqual(await picture(full, residency));
    // Not a flat one, which any weights might give.
    expect(new Set(rgb).size).toBeGreaterThan(50);
  },
);

test("the copies are what they are called", async () => {
  const opened = await Promise.all([half, full].map((path) => openCheckpoint(path)));
  const types = opened.map(({ weights }) =>
    Object.values(weights).flatMap((part) => [...part.values()].map((w) => w.dtype)),
  );
  expect(types.map((list) => [...new Set(list)])).toEqual([["BF16"], ["F32"]]);
});
