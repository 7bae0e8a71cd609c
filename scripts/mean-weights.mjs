/**
 * @file A mean of two models' weights, UNet and text encoders, tensor by tensor: what a stage of training has gained without all of what it
 * has moved (Wortsman et al. 2022, https://arxiv.org/abs/2203.05482). Everything else is the second model's. Needs `npm run build`.
 *
 *     node scripts/mean-weights.mjs BEFORE AFTER OUT [SHARE]      diffusers folders; OUT must not be there; SHARE of AFTER, 0 to 1, or half
 */

import { cp } from "node:fs/promises";
import { join } from "node:path";
import { openSafetensors, readFloat32, writeSafetensors } from "../dist/formats/safetensors/index.js";
import { tensorsToWrite } from "../dist/trainer/model-files.js";

const FILES = ["unet/diffusion_pytorch_model", "text_encoder/model", "text_encoder_2/model"];

const [before, after, out, given = "0.5"] = process.argv.slice(2);
const share = Number(given);
if (!out || !(share >= 0 && share <= 1)) {
  console.error("say BEFORE AFTER OUT [SHARE]");
  process.exit(2);
}
await cp(after, out, { recursive: true, errorOnExist: true, force: false });
for (const file of FILES) {
  const [one, other] = await Promise.all(
    [before, after].map((model) => openSafetensors(join(model, `${file}.safetensors`))),
  );
  const means = new Map();
  for (const [name, { shape }] of other.tensors) {
    const [a, b] = [await readFloat32(one, name), await readFloat32(other, name)];
    means.set(name, { shape, values: b.map((value, i) => share * value + (1 - share) * a[i]) });
  }
  const tensors = tensorsToWrite(file, means, "F16");
  await writeSafetensors(join(out, `${file}.safetensors`), tensors, other.metadata);
}
