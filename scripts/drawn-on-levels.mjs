/**
 * @file What a zero terminal SNR that was made in another way does to finished pictures: one network, drawn on other noise levels than its own and told at
 * each step what noise it sees. Needs `npm run build`. See docs/v-prediction-flaw.md.
 *
 *     node scripts/drawn-on-levels.mjs MODEL SHEET.png [LEVELS …]
 *
 * LEVELS are `rescaled` (Lin et al. 2023, "Common diffusion noise schedules and sample steps are flawed", Algorithm 1), `linear` (alpha-bar itself is moved
 * and stretched, and not its square root), `patched` (the last level alone has no signal, all others are SDXL's own), `unsquared` (Algorithm 1 without its line
 * "Revert sqrt": the root stays in alpha-bar's place); all of them if none is named. The captions are those of `evaluate`'s row `saturation`, one seed each; Euler,
 * normal, 28 steps, guidance 7.5. The sheet has a row a way, of the first eight captions.
 */

import { noiseFor } from "../dist/base/random/noise.js";
import { betasOfSigmas, discreteTable, initialLatents, scheduleFor } from "../dist/sampling/index.js";
import { HOW } from "../dist/tasks/evaluate/engine-source.js";
import { denoiser } from "./denoiser.mjs";
import { writeSheet } from "./drift.mjs";
import { coloursOf, shots } from "./fifty.mjs";

const STEPS = 28;
const SHOWN = 8;
/** Of the latents of 128 pixels. */
const SIDE = 16;

const powersOf = ({ sigmas }) => Array.from(sigmas, (sigma) => 1 / (1 + sigma * sigma));
const [plain, rescaled] = [powersOf(discreteTable()), powersOf(discreteTable({ zeroSnr: "exact" }))];
const [first, last] = [plain[0], plain.at(-1)];

/** What is left of a picture's power at each level. */
const alphaBars = {
  rescaled,
  linear: plain.map((a) => (a - last) * (first / (first - last))),
  patched: [...plain.slice(0, -1), 0],
  unsquared: rescaled.map(Math.sqrt),
};

function levelsOf(way) {
  if (!alphaBars[way]) throw new Error(`say ${Object.keys(alphaBars).join(", ")}, not ${way}`);
  const betas = betasOfSigmas(alphaBars[way].map((a) => Math.sqrt((1 - a) / a)));
  return scheduleFor("euler", "normal", discreteTable({ betas }), STEPS).sigmas;
}

const [model, sheet, ...named] = process.argv.slice(2);
if (!sheet) {
  console.error("say MODEL, SHEET.png, and which levels");
  process.exit(2);
}

async function drawn({ prompt, seed }, sigmas) {
  const { denoise, decode, options, settled, layout } = await denoiser({ ...HOW, model, prompt, seed, steps: STEPS });
  const noise = noiseFor(options.noise, options.seed, [1, layout.channels, layout.height, layout.width]);
  let guess;
  for await (const { denoised } of settled.sampler(denoise, initialLatents(noise, sigmas[0]), sigmas)) guess = denoised;
  return decode(guess);
}

const rows = [];
console.log(
  "| levels | sigma of steps 1 to 3 | SNR of the mean at step 2 | saturation over the data's | exactly white, of the data's |\n|---|---|---|---|---|",
);
for (const way of named.length > 0 ? named : Object.keys(alphaBars)) {
  const sigmas = levelsOf(way);
  const pictures = [];
  for (const shot of shots) pictures.push(await drawn(shot, sigmas));
  rows.push(pictures.slice(0, SHOWN));
  const begin = sigmas.slice(0, 3).map((sigma) => (Number.isFinite(sigma) ? sigma.toFixed(1) : "∞"));
  // White noise of sigma leaves the mean of SIDE x SIDE latents a deviation of sigma / SIDE.
  const snr = ((SIDE / sigmas[1]) ** 2).toPrecision(2);
  console.log(`| ${way} | ${begin.join(", ")} | ${snr} | ${(await coloursOf(pictures)).join(" | ")} |`);
}
await writeSheet(sheet, rows);
process.exit(0);
