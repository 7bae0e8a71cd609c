/**
 * @file How much a model's guess at the clean picture owes to the words, by noise level: the error in x0 of noisy pictures with their own
 * caption, with none, and with another picture's. A small model's sheets look alike long before and long after it begins to listen; this
 * tells in a minute which it is. Needs `npm run build`.
 *
 *     node scripts/words.mjs MODEL FOLDER  [--count 24] [--side 128] [--levels 999,900,800,650,500,300,100]
 *
 * FOLDER has pictures (.png) with captions beside them (.txt, the first line of each is used). Noise is the same for all three captions; no
 * guidance. "Gain" is 1 − (error with its own caption) / (error with the next picture's): 0 where words are not heard. It can only compare
 * models on the same pictures: of pictures that are alike, another's caption is nearly as good.
 */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { noiseFor } from "../dist/base/random/noise.js";
import { encodeImage } from "../dist/pipeline/vae.js";
import { denoiser } from "./denoiser.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: "string", default: "24" },
    side: { type: "string", default: "128" },
    levels: { type: "string", default: "999,900,800,650,500,300,100" },
  },
});
const [model, folder] = positionals;
if (!model || !folder) {
  console.error("say MODEL FOLDER");
  process.exit(2);
}
const side = Number(values.side);
const levels = values.levels.split(",").map(Number);
const names = (await readdir(folder)).filter((name) => name.endsWith(".png")).sort();
const pictures = names.slice(0, Number(values.count)).map((name) => join(folder, name));
const captionOf = async (file) => (await readFile(file.replace(/png$/, "txt"), "utf8")).split("\n")[0];
const captions = await Promise.all(pictures.map(captionOf));

const withPrompt = (prompt) => denoiser({ model, prompt, cfg: 1, width: side, height: side });
const { pipeline, layout } = await withPrompt("");
const shape = [1, layout.channels, layout.height, layout.width];

async function latentsOf(file) {
  const { data } = await sharp(file).removeAlpha().resize(side, side).raw().toBuffer({ resolveWithObject: true });
  const encoder = await pipeline.shelf.take("vaeEncoder", { batch: 1, height: side, width: side });
  const image = { rgb: data, width: side, height: side };
  return (await encodeImage(encoder, pipeline.checkpoint.configs.vae, image)).data;
}
const clean = [];
for (const file of pictures) clean.push(await latentsOf(file));

/** Mean squared error in x0 over all pictures, a number a level. */
async function errors(promptOf) {
  const sums = levels.map(() => 0);
  for (const [i, latents] of clean.entries()) {
    const { denoise, settled } = await withPrompt(promptOf(i));
    const noise = noiseFor("cpu", 1000 + i, shape);
    for (const [k, level] of levels.entries()) {
      const sigma = settled.noiseModel.table.sigmas[level];
      const noisy = Number.isFinite(sigma) ? latents.map((x, n) => x + sigma * noise[n]) : Float32Array.from(noise);
      const guess = await denoise(noisy, sigma);
      sums[k] += guess.reduce((sum, x, n) => sum + (x - latents[n]) ** 2, 0) / guess.length / clean.length;
    }
  }
  return sums;
}

const own = await errors((i) => captions[i]);
const none = await errors(() => "");
const other = await errors((i) => captions[(i + 1) % captions.length]);
console.log("| t | own caption | none | another's | gain |\n|---|---|---|---|---|");
for (const [k, level] of levels.entries()) {
  const gain = 100 * (1 - own[k] / other[k]);
  const cells = [own[k], none[k], other[k]].map((error) => error.toFixed(4));
  console.log(`| ${level} | ${cells.join(" | ")} | ${gain.toFixed(1)} % |`);
}
// ONNX Runtime's sessions would keep the process.
process.exit(0);
