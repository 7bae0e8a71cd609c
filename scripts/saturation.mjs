/**
 * @file Saturation and exact white of the captions of `evaluate`'s row `saturation`, one seed each, drawn in any way: what guidance and negative
 * prompts make of them. Needs `npm run build`. See docs/nano-models.md.
 *
 *     node scripts/saturation.mjs MODEL '{"cfg": 1}' '{"cfg": 7.5, "negativePrompt": "muted colors"}' …
 */

import { drawInEngine } from "../dist/tasks/evaluate/draw-in-engine.js";
import { HOW } from "../dist/tasks/evaluate/engine-source.js";
import { parseGenerateOptions } from "../dist/tasks/generate-options.js";
import { coloursOf, shots } from "./fifty.mjs";

const [model, ...ways] = process.argv.slice(2);
if (!model || ways.length === 0) {
  console.error("say MODEL, and options of generate as JSON, once or more");
  process.exit(2);
}
console.log("| options | saturation over the data's | exactly white, of the data's |\n|---|---|---|");
for (const way of ways) {
  const pictures = [];
  for (const { prompt, seed } of shots) {
    const options = parseGenerateOptions({ ...HOW, model, prompt, ...JSON.parse(way) });
    for await (const event of drawInEngine({ options, seeds: [seed], traced: false })) {
      if (event.type === "drawn") pictures.push(event.drawn.image);
    }
  }
  console.log(`| ${way} | ${(await coloursOf(pictures)).join(" | ")} |`);
}
process.exit(0);
