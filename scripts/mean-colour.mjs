/**
 * @file What guidance makes of a picture's mean colour after zero terminal SNR's first step, without a network: one number, whose best guess is
 * a closed form. Needs `npm run build`. See docs/v-prediction-flaw.md.
 *
 *     node scripts/mean-colour.mjs [SIDE = 16] [GUIDANCE = 7.5] [STEPS = 28]
 *
 * Pictures' means are standard normal; those of the prompt have mean 1 and deviation 0.3. White noise on SIDE x SIDE latents leaves their mean
 * a deviation of sigma / SIDE. The table has the mean's SNR and the guided guess at it after every step of Euler on the normal schedule, from a start whose
 * own mean is 0: on the levels of Lin et al. (2023), Algorithm 1, and on those without its line "Revert sqrt" (recipes/nano/unsquared-betas.json).
 */

import { readFile } from "node:fs/promises";
import { discreteTable, gaussianDenoise, sampleEuler, scheduleFor } from "../dist/sampling/index.js";

const given = process.argv.slice(2).map(Number);
const [side = 16, cfg = 7.5, steps = 28] = given;
if (given.length > 3 || given.some((value) => !(value >= 0))) {
  console.error("say SIDE, GUIDANCE and STEPS, or fewer");
  process.exit(2);
}

const prompt = gaussianDenoise({ mean: 1, deviation: 0.3 });
const any = gaussianDenoise({ mean: 0, deviation: 1 });

/** Sigmas of the walk, and the guesses along it. */
async function walked(table) {
  const { sigmas } = scheduleFor("euler", "normal", table, steps);
  const guided = async (x, sigma) => {
    const [withPrompt, without] = await Promise.all([prompt(x, sigma / side), any(x, sigma / side)]);
    return withPrompt.map((value, i) => without[i] + cfg * (value - without[i]));
  };
  const rows = [];
  for await (const { sigma, denoised } of sampleEuler(guided, new Float32Array(1), sigmas)) {
    const snr = Number(((side / sigma) ** 2).toPrecision(3));
    rows.push(`${Number.isFinite(sigma) ? sigma.toFixed(2) : "∞"} | ${snr} | ${denoised[0].toFixed(2)}`);
  }
  return rows;
}

const betas = JSON.parse(await readFile(new URL("../recipes/nano/unsquared-betas.json", import.meta.url), "utf8"));
const [right, wrong] = [await walked(discreteTable({ zeroSnr: "exact" })), await walked(discreteTable({ betas }))];
console.log(
  "| step | sigma | SNR of the mean | guess | sigma, unsquared | SNR | guess |\n|---|---|---|---|---|---|---|",
);
for (const [i, row] of right.entries()) console.log(`| ${i + 1} | ${row} | ${wrong[i]} |`);
