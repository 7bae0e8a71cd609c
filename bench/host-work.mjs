/**
 * @file What a step costs beside the network: the sampler, guidance with rescale, feeding and messages, with a network
 * that answers at once. Also the tokenizer and the prompt's plan.
 *
 *     node bench/host-work.mjs
 */

import { loadTokenizer } from "../dist/models/sdxl/tokenizer.js";
import { unetCall } from "../dist/pipeline/denoise.js";
import { planPrompt } from "../dist/pipeline/prompt/plan.js";
import {
  discreteTable,
  guidedDenoise,
  initialLatents,
  makeSchedule,
  noiseFor,
  predictionFor,
  samplers,
} from "../dist/sampling/index.js";

const width = 2048;
const conditioning = {
  context: new Float32Array(77 * width),
  tokens: 77,
  pooled: new Float32Array(1280),
  timeIds: [1024, 1024, 0, 0, 1024, 1024],
};

for (const side of [64, 128, 256]) {
  const layout = { batch: 1, channels: 4, height: side, width: side };
  const answer = new Float32Array(2 * 4 * side * side).map((_, i) => Math.sin(i));
  const session = { run: async () => ({ output: { data: answer, shape: [2, 4, side, side] } }) };
  const table = discreteTable({ zeroSnr: "exact" });
  const { sigmas } = makeSchedule("normal", table, 28);
  const at = () => ({ conditional: [{ weight: 1, conditioning }], unconditional: conditioning });
  const guidance = { scale: 5, rescale: 0.4 };
  const denoise = guidedDenoise(predictionFor("v", table), unetCall(session, layout, at), guidance, layout);
  const noise = noiseFor("cpu", 1, [1, 4, side, side]);
  for (const name of ["euler", "dpmpp_2m"]) {
    const times = [];
    for (let round = 0; round < 6; round++) {
      const start = performance.now();
      const walk = samplers[name](denoise, initialLatents(noise, sigmas[0]), sigmas);
      while (!(await walk.next()).done);
      times.push((performance.now() - start) / 28);
    }
    // The first round compiles.
    const best = Math.min(...times.slice(1));
    process.stdout.write(`${8 * side}²  ${name}: ${best.toFixed(2)} ms a step\n`);
  }
}

let start = performance.now();
const tokenizer = await loadTokenizer();
process.stdout.write(`tokenizer: ${(performance.now() - start).toFixed(0)} ms to load\n`);
const prompt = "1girl, (blue hair:1.2), long hair, smile, outdoors, ".repeat(8);
start = performance.now();
for (let i = 0; i < 50; i++) planPrompt(prompt, tokenizer, { steps: 28 });
process.stdout.write(
  `plan of a prompt of ${prompt.length} letters: ${((performance.now() - start) / 50).toFixed(1)} ms\n`,
);
