/**
 * @file What goes wrong with checkpoints that are taken for what they are not, and with too much guidance: the shipped models drawn right and wrong. Needs
 * `npm run build`. See docs/wrong-pictures.md.
 *
 *     node scripts/wrong-pictures.mjs FILE.png
 *
 * A row a way, in the order of WAYS; two girls, one girl, black and white, all with seed 0.
 */

import { ARTICLE_SIMPLE } from "../dist/data/scenes/index.js";
import { closeEngine } from "../dist/index.js";
import { drawn, writeSheet } from "./drift.mjs";

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

const rows = [];
try {
  for (const { model, ...how } of WAYS) rows.push(await drawn(model, PROMPTS, { seed: 0, ...how }));
  await writeSheet(file, rows);
} finally {
  await closeEngine();
}
