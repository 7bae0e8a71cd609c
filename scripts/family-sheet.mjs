/**
 * @file The article's simple prompt by each model, a row a model, seeds 0 to 7. Needs `npm run build`.
 *
 *     node scripts/family-sheet.mjs FILE.png MODEL …
 */

import { ARTICLE_SIMPLE } from "../dist/data/scenes/index.js";
import { closeEngine } from "../dist/index.js";
import { drawn, writeSheet } from "./drift.mjs";

const [file, ...models] = process.argv.slice(2);
if (models.length === 0) {
  console.error("say FILE.png MODEL …");
  process.exit(2);
}
const prompts = new Array(8).fill(ARTICLE_SIMPLE.prompt);
const rows = [];
try {
  for (const model of models) rows.push(await drawn(model, prompts));
  await writeSheet(file, rows);
} finally {
  await closeEngine();
}
