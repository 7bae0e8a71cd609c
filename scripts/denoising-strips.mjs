/**
 * @file Denoising strips: what each model takes the clean picture to be after every step, side by side, as the Illustrious 3.0 article shows
 * them (`empty black background`, DDIM in ten steps), and the numbers of each guess. Needs `npm run build`.
 *
 *     node scripts/denoising-strips.mjs FILE.png MODEL …  [--prompt TEXT …] [--steps 10] [--cfg 7.5] [--seed 0]
 *
 * A row a prompt and model, a column a step, noise first. The table has, of each guess, mean luma and saturation (0 to 255), the share of exactly white
 * pixels, and the largest absolute latent.
 */

import { basename } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { noiseFor } from "../dist/base/random/noise.js";
import { measureColours } from "../dist/colour/index.js";
import { initialLatents } from "../dist/sampling/index.js";
import { denoiser } from "./denoiser.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    prompt: { type: "string", multiple: true, default: ["empty black background"] },
    steps: { type: "string", default: "10" },
    cfg: { type: "string", default: "7.5" },
    seed: { type: "string", default: "0" },
  },
});
const [file, ...models] = positionals;
if (!file || models.length === 0) {
  console.error("say FILE.png MODEL …");
  process.exit(2);
}

/** Every step's guess at the clean picture, decoded. */
async function guesses(model, prompt) {
  const { steps, cfg, seed } = values;
  const how = { sampler: "ddim", schedule: "normal", steps: Number(steps), cfg: Number(cfg), seed: Number(seed) };
  const { denoise, decode, options, settled, layout } = await denoiser({ model, prompt, ...how });
  for (const { message } of settled.warnings) console.log(`${basename(model)}: ${message}`);
  const { sigmas } = settled.schedule;
  const noise = noiseFor(options.noise, options.seed, [1, layout.channels, layout.height, layout.width]);
  const found = [];
  for await (const { sigma, denoised } of settled.sampler(denoise, initialLatents(noise, sigmas[0]), sigmas)) {
    found.push({
      sigma,
      image: await decode(denoised),
      largest: denoised.reduce((most, x) => Math.max(most, Math.abs(x)), 0),
    });
  }
  return found;
}

const rows = [];
for (const prompt of values.prompt) {
  console.log(`\n${prompt}\n`);
  console.log("| model | step | sigma | luma | saturation | white | largest latent |\n|---|---|---|---|---|---|---|");
  for (const model of models) {
    const row = await guesses(model, prompt);
    rows.push(row);
    for (const [i, { sigma, image, largest }] of row.entries()) {
      const { brightness, saturation, whiteShare } = measureColours(image);
      const colours = `${brightness.toFixed(1)} | ${saturation.toFixed(1)} | ${(100 * whiteShare).toFixed(1)} %`;
      const level = Number.isFinite(sigma) ? sigma.toFixed(2) : "∞";
      console.log(`| ${basename(model)} | ${i + 1} | ${level} | ${colours} | ${largest.toFixed(2)} |`);
    }
  }
}

const gap = 4;
const { width, height } = rows[0][0].image;
const tiles = rows.flatMap((row, y) =>
  row.map(({ image }, x) => ({
    input: Buffer.from(image.rgb),
    raw: { width: image.width, height: image.height, channels: 3 },
    left: x * (width + gap),
    top: y * (height + gap),
  })),
);
const columns = Math.max(...rows.map((row) => row.length));
const size = { width: columns * (width + gap) - gap, height: rows.length * (height + gap) - gap };
await sharp({ create: { ...size, channels: 3, background: "#888" } })
  .composite(tiles)
  .png({ compressionLevel: 9, palette: true })
  .toFile(file);
// ONNX Runtime's sessions would keep the process.
process.exit(0);
