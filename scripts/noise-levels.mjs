/**
 * @file What models know of pictures at each noise level: how far the guess at the clean latents is from the truth, and how far the guesses with and
 * without caption are from each other, which guidance multiplies. Needs `npm run build`. See docs/v-prediction-flaw.md.
 *
 *     node scripts/noise-levels.mjs MODEL …
 *
 * On 24 held-out scenes of 128 pixels, with the same noise for all models. Both numbers are mean squares, over the variance of the clean latents: an error of 1 is
 * that of who knows the pictures' mean and nothing else.
 */

import { basename } from "node:path";
import { noiseFor } from "../dist/base/random/noise.js";
import { captionOf, renderScene, sceneAt } from "../dist/data/scenes/index.js";
import { encodeImage } from "../dist/pipeline/vae.js";
import { discreteTable } from "../dist/sampling/index.js";
import { denoiser } from "./denoiser.mjs";

const SIDE = 128;
const PICTURES = 24;
const LEVELS = [998, 975, 950, 900, 850, 800, 700, 600, 500, 400, 300, 200, 100];

const models = process.argv.slice(2);
if (models.length === 0) {
  console.error("say MODEL …");
  process.exit(2);
}
const scenes = Array.from({ length: PICTURES }, (_, i) => sceneAt(930_000 + i, { split: "held-out" }));
const pictures = await Promise.all(scenes.map((scene) => renderScene(scene, SIDE)));
const table = discreteTable({ zeroSnr: "exact" });
const sigmas = LEVELS.map((level) => table.sigmas[level]);

const meanSquare = (values) => values.reduce((sum, value) => sum + value * value, 0) / values.length;

async function measured(model) {
  const rows = sigmas.map(() => ({ error: 0, difference: 0 }));
  let variance = 0;
  for (const [i, picture] of pictures.entries()) {
    const given = { model, prompt: captionOf(scenes[i], "sentences", i), width: SIDE, height: SIDE, steps: 999 };
    const [plain, guided] = [await denoiser({ ...given, cfg: 1 }), await denoiser({ ...given, cfg: 2 })];
    const { pipeline, layout } = plain;
    const encoder = await pipeline.shelf.take("vaeEncoder", { batch: 1, height: SIDE, width: SIDE });
    const { data: clean } = await encodeImage(encoder, pipeline.checkpoint.configs.vae, picture);
    const noise = noiseFor("cpu", i, [1, layout.channels, layout.height, layout.width]);
    variance += meanSquare(clean) / pictures.length;
    for (const [k, sigma] of sigmas.entries()) {
      const x = clean.map((value, j) => value + sigma * noise[j]);
      const guess = await plain.denoise(x, sigma);
      const further = await guided.denoise(x, sigma);
      rows[k].error += meanSquare(guess.map((value, j) => value - clean[j])) / pictures.length;
      rows[k].difference += meanSquare(guess.map((value, j) => further[j] - value)) / pictures.length;
    }
  }
  return rows.map(({ error, difference }) => ({ error: error / variance, difference: difference / variance }));
}

const found = [];
for (const model of models) found.push(await measured(model));
const names = models.map((model) => basename(model));
const columns = [...names.map((name) => `error, ${name}`), ...names.map((name) => `difference, ${name}`)];
console.log(`| level | sigma | ${columns.join(" | ")} |`);
console.log(`|${"---|".repeat(2 + columns.length)}`);
for (const [k, sigma] of sigmas.entries()) {
  const cells = ["error", "difference"].flatMap((what) => found.map((rows) => rows[k][what].toFixed(3)));
  console.log(`| ${LEVELS[k]} | ${sigma.toFixed(2)} | ${cells.join(" | ")} |`);
}
process.exit(0);
