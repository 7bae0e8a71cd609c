/**
 * @file Saturation and exact white of the captions of `evaluate`'s row `saturation`, one seed each, drawn in any way: what guidance and negative
 * prompts make of them. Needs `npm run build`. See docs/nano-models.md.
 *
 *     node scripts/saturation.mjs MODEL '{"cfg": 1}' '{"cfg": 7.5, "negativePrompt": "muted colors"}' …
 */

import { cellsOf } from "../dist/tasks/evaluate/cells.js";
import { drawInEngine } from "../dist/tasks/evaluate/draw-in-engine.js";
import { HOW } from "../dist/tasks/evaluate/engine-source.js";
import { colours } from "../dist/tasks/evaluate/judge.js";
import { colourReference } from "../dist/tasks/evaluate/reference.js";
import { parseGenerateOptions } from "../dist/tasks/generate-options.js";

const [model, ...ways] = process.argv.slice(2);
if (!model || ways.length === 0) {
  console.error("say MODEL, and options of generate as JSON, once or more");
  process.exit(2);
}
const shots = cellsOf.saturation({ quick: false, seeds: 5 }).flatMap((cell) => cell.shots);
const data = await colourReference(
  shots.map(({ description }) => description),
  128,
);
console.log("| options | saturation over the data's | exactly white, of the data's |\n|---|---|---|");
for (const way of ways) {
  const sum = { saturation: 0, white: 0 };
  for (const { prompt, seed } of shots) {
    const options = parseGenerateOptions({ ...HOW, model, prompt, ...JSON.parse(way) });
    for await (const event of drawInEngine({ options, seeds: [seed], traced: false })) {
      if (event.type !== "drawn") continue;
      const { saturation, white } = colours(event.drawn.image);
      sum.saturation += saturation / shots.length;
      sum.white += (100 * white) / shots.length;
    }
  }
  const of = (100 * data.white).toFixed(1);
  console.log(`| ${way} | ${(sum.saturation / data.saturation).toFixed(2)} | ${sum.white.toFixed(1)} % of ${of} |`);
}
process.exit(0);
