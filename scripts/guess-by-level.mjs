/**
 * @file How good models' guesses at the clean latents are at each noise level, without guidance and without a walk: true scenes, encoded and noised. A
 * level that training has all but left out shows as one where a model's guess is worse than another's. Needs `npm run build`. See docs/v-prediction-flaw.md.
 *
 *     node scripts/guess-by-level.mjs MODEL …
 *
 * The scenes and captions are those of `evaluate`'s row `saturation`, one seed each; the levels those of Euler's 28 steps on the normal schedule. Of each
 * model: the mean squared error of its guess over the mean square of the clean latents, and the mean square of the guess over that, too.
 */

import { basename } from "node:path";
import { noiseFor } from "../dist/base/random/noise.js";
import { PLAIN_TONE, renderScene } from "../dist/data/scenes/index.js";
import { openVae } from "../dist/models/sdxl/checkpoint-vae.js";
import { vaeEncoderGraph } from "../dist/models/sdxl/vae.js";
import { encodeImage } from "../dist/pipeline/vae.js";
import { onnxRuntime } from "../dist/runtime/onnx/session.js";
import { noisedLatents } from "../dist/sampling/index.js";
import { HOW } from "../dist/tasks/evaluate/engine-source.js";
import { denoiser } from "./denoiser.mjs";
import { shots } from "./fifty.mjs";

const STEPS = 28;
/** Numbers of steps that are shown. */
const SHOWN = [1, 2, 3, 4, 6, 8, 11, 14, 18, 22, 26];

const models = process.argv.slice(2);
if (models.length === 0) {
  console.error("say MODEL …");
  process.exit(2);
}

const scenes = [];
for (const { description } of shots) scenes.push(await renderScene({ tone: PLAIN_TONE, ...description }, 128));

const square = (values) => values.reduce((sum, value) => sum + value * value, 0) / values.length;

/** Errors and sizes of one model's guesses, a pair a level, over the clean latents' mean square. */
async function guesses(model) {
  const { config, bound } = await openVae(model);
  const encoder = await onnxRuntime().open(vaeEncoderGraph(config), bound.weights);
  const sums = SHOWN.map(() => ({ sigma: 0, error: 0, size: 0 }));
  let whole = 0;
  for (const [s, { prompt, seed }] of shots.entries()) {
    const { data: clean } = await encodeImage(encoder, config, scenes[s]);
    whole += square(clean);
    const { denoise, options, settled, layout } = await denoiser({ ...HOW, model, prompt, seed, steps: STEPS, cfg: 1 });
    const noise = noiseFor(options.noise, options.seed, [1, layout.channels, layout.height, layout.width]);
    for (const [i, sum] of sums.entries()) {
      sum.sigma = settled.schedule.sigmas[SHOWN[i] - 1];
      const guess = await denoise(noisedLatents(clean, noise, sum.sigma), sum.sigma);
      sum.error += square(guess.map((value, j) => value - clean[j]));
      sum.size += square(guess);
    }
  }
  return sums.map(({ sigma, error, size }) => ({ sigma, error: error / whole, size: size / whole }));
}

const found = [];
for (const model of models) {
  found.push(await guesses(model));
  if (found.at(-1).some(({ sigma }, i) => sigma !== found[0][i].sigma)) {
    throw new Error(`${model} has other noise levels than ${models[0]}: compare models of one schedule`);
  }
}
const names = models.flatMap((model) => [`${basename(model)}: error`, "size"]);
console.log(`| step | sigma | ${names.join(" | ")} |\n|---|---|${names.map(() => "---").join("|")}|`);
for (const [i, step] of SHOWN.entries()) {
  const { sigma } = found[0][i];
  const cells = found.flatMap((levels) => [levels[i].error.toFixed(3), levels[i].size.toFixed(3)]);
  console.log(`| ${step} | ${Number.isFinite(sigma) ? sigma.toFixed(2) : "∞"} | ${cells.join(" | ")} |`);
}
process.exit(0);
