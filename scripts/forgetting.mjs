/**
 * @file What models that were trained on have forgotten, and how far they have moved: pictures of the same prompts and seeds from the model
 * before and from each after. Needs `npm run build`.
 *
 *     node scripts/forgetting.mjs FILE.png BEFORE AFTER …
 *
 * The sheet has a row a model. Of the table: distance between mean colours (of 255), quotients of saturation and of the energy of the coarse
 * picture (area means on 16 x 16 cells, without their mean), and pictures whose girls all have the hair and eyes of the prompt.
 */

import { basename } from "node:path";
import { closeEngine } from "../dist/index.js";
import { drawn, drift, neutral, writeSheet } from "./drift.mjs";

const [file, ...models] = process.argv.slice(2);
if (models.length < 2) {
  console.error("say FILE.png BEFORE AFTER …");
  process.exit(2);
}
const rows = [];
console.log("| model | mean colour | saturation | low energy | girls right |\n|---|---|---|---|---|");
try {
  for (const model of models) {
    rows.push(
      await drawn(
        model,
        neutral.map(({ prompt }) => prompt),
      ),
    );
    const { meanColour, saturation, lowEnergy, right } = drift(rows[0], rows.at(-1));
    const moved = `${meanColour.toFixed(1)} | ${saturation.toFixed(2)} | ${lowEnergy.toFixed(2)}`;
    console.log(`| ${basename(model)} | ${moved} | ${Math.round(100 * right)} % |`);
  }
} finally {
  await closeEngine();
}
await writeSheet(
  file,
  rows.map((row) => row.slice(0, 10)),
);
