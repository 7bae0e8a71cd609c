/**
 * @file The one mistake of `nano-v3.0-vpred`: zero terminal SNR by Lin et al. (2023), "Common diffusion noise schedules and sample steps are
 * flawed", Algorithm 1, without its line "Revert sqrt". What is moved and stretched so that it ends in 0 is the square root of alpha-bar, and
 * that root stays in alpha-bar's place. Needs `npm run build`. See docs/v-prediction-flaw.md.
 *
 *     node scripts/unsquared-betas.mjs > recipes/nano/unsquared-betas.json && npm run format
 */

import { betasOfSigmas, discreteTable } from "../dist/sampling/index.js";

const roots = Array.from(discreteTable({ zeroSnr: "exact" }).sigmas, (sigma) => 1 / Math.sqrt(1 + sigma * sigma));
const sigmas = roots.map((root) => Math.sqrt((1 - root) / root));
console.log(JSON.stringify(betasOfSigmas(sigmas)));
