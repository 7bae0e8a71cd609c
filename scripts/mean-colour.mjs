/**
 * @file What offset noise does to guidance, without a network: the mean colour of a picture as one number, whose best guess is a closed
 * form. Needs `npm run build`. See docs/v-prediction-flaw.md.
 *
 *     node scripts/mean-colour.mjs [SIDE = 16] [OFFSET = 0.8] [GUIDANCE = 7.5] [STEPS = 28]
 *
 * Pictures' means are standard normal; those of the prompt have mean 1 and deviation 0.3. White noise on SIDE x SIDE latents leaves their mean
 * a deviation of 1 / SIDE; a network that was trained with offset noise takes it for the root of 1 / SIDE^2 + OFFSET^2. The table has the
 * guided guess at the mean after every step of Euler on the normal schedule with zero terminal SNR, from a start whose own mean is 0.
 */

import { discreteTable, gaussianDenoise, sampleEuler, scheduleFor } from "../dist/sampling/index.js";

const given = process.argv.slice(2).map(Number);
const [side = 16, offset = 0.8, cfg = 7.5, steps = 28] = given;
if (given.length > 4 || given.some((value) => !(value >= 0))) {
  console.error("say SIDE, OFFSET, GUIDANCE and STEPS, or fewer");
  process.exit(2);
}

const { sigmas } = scheduleFor("euler", "normal", discreteTable({ zeroSnr: "exact" }), steps);

/** The guesses along one walk of a network that believes the mean's noise to be so strong, of sigma. */
async function guesses(believed) {
  const prompt = gaussianDenoise({ mean: 1, deviation: 0.3 });
  const any = gaussianDenoise({ mean: 0, deviation: 1 });
  const guided = async (x, sigma) => {
    const [withPrompt, without] = await Promise.all([prompt(x, sigma * believed), any(x, sigma * believed)]);
    return withPrompt.map((value, i) => without[i] + cfg * (value - without[i]));
  };
  const found = [];
  for await (const { denoised } of sampleEuler(guided, new Float32Array(1), sigmas)) found.push(denoised[0]);
  return found;
}

const [white, shifted] = [await guesses(1 / side), await guesses(Math.hypot(1 / side, offset))];
console.log(`| step | sigma | white noise | offset ${offset} |\n|---|---|---|---|`);
for (const [i, guess] of white.entries()) {
  const sigma = Number.isFinite(sigmas[i]) ? sigmas[i].toFixed(2) : "∞";
  console.log(`| ${i + 1} | ${sigma} | ${guess.toFixed(2)} | ${shifted[i].toFixed(2)} |`);
}
