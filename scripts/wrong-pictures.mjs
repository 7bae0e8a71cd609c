/**
 * @file What goes wrong with checkpoints that are taken for what they are not, and with too much guidance: the shipped models drawn right and wrong. Needs
 * `npm run build`. See docs/wrong-pictures.md.
 *
 *     node scripts/wrong-pictures.mjs FILE.png
 *
 * A row a way, in the order of WAYS; two girls, one girl, black and white, all with seed 0.
 */

import { ARTICLE_SIMPLE } from "../dist/data/scenes/index.js";
import { closeEngine, generate } from "../dist/index.js";
import { writeSheet } from "./drift.mjs";

const PROMPTS = [
  ARTICLE_SIMPLE.prompt,
  "1girl, solo, blue hair, green eyes, night sky",
  "empty black background",
  "empty white background",
];

const [V, EPS] = ["nano-v3.5-vpred", "nano-v3.0-eps"];
const WAYS = [
  { model: V },
  { model: V, prediction: "eps", zeroSnr: "off" },
  { model: V, cfg: 20 },
  { model: EPS },
  { model: EPS, prediction: "v" },
  { model: EPS, cfg: 20 },
];

const [file] = process.argv.slice(2);
if (!file) {
  console.error("say FILE.png");
  process.exit(2);
}

async function drawn(way, prompt) {
  const how = { sampler: "euler", schedule: "normal", steps: 28, cfg: 7.5, seed: 0, negativePrompt: "" };
  for await (const event of generate({ ...how, width: 128, height: 128, prompt, ...way })) {
    if (event.type === "picture") return event.image;
  }
}

const rows = [];
try {
  for (const way of WAYS) {
    const row = [];
    for (const prompt of PROMPTS) row.push(await drawn(way, prompt));
    rows.push(row);
  }
  await writeSheet(file, rows);
} finally {
  await closeEngine();
}
