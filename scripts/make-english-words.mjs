/**
 * @file Writes assets/english-words.txt: English words that are one token each for CLIP and that no caption of scenes has by itself. Needs
 * `npm run build`, and three packages of the npm registry unpacked side by side (`npm pack`), since nothing else needs them.
 *
 *     node scripts/make-english-words.mjs FOLDER     with an-array-of-english-words, naughty-words and badwords-list in it
 */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { captionOf, sceneAt } from "../dist/data/scenes/index.js";
import { builtInVocabulary } from "../dist/models/sdxl/vocabulary.js";

const [folder] = process.argv.slice(2);
if (!folder) {
  console.error("say FOLDER");
  process.exit(2);
}
const read = (path) => readFile(join(folder, path), "utf8");
const english = new Set(JSON.parse(await read("an-array-of-english-words/index.json")));
const offending = new Set([
  ...JSON.parse(await read("naughty-words/en.json")),
  ...(await read("badwords-list/lib/array.js")).match(/[a-z]+/g),
  ...`attack bomb cancer cocaine damn dead death devil drug drugs gun guns hate hell heroin holocaust genocide islam jewish christian kill killed
  killing muslim murder naked nazi nude racism racist rape sexual shooting shot slave slavery suicide terror terrorist victim victims abuse weed`.split(
    /\s+/,
  ),
]);
/** What says something of a picture: the captions' own words, and other words for colours and sides. */
const telling = new Set(
  "red orange yellow green blue purple pink black white brown gold golden silver grey gray color colors colour left right".split(
    " ",
  ),
);
for (let seed = 0; seed < 4000; seed++) {
  for (const kind of ["tags", "sentences", "long"]) {
    for (const word of captionOf(sceneAt(seed), kind, seed)
      .toLowerCase()
      .match(/[a-z]+/g))
      telling.add(word);
  }
}
const { vocab } = await builtInVocabulary();
const words = Object.keys(vocab)
  .filter((token) => /^[a-z]{4,13}<\/w>$/.test(token))
  .map((token) => token.slice(0, -"</w>".length))
  .filter((word) => english.has(word) && !offending.has(word) && !telling.has(word))
  .sort();
await writeFile(new URL("../assets/english-words.txt", import.meta.url), `${words.join("\n")}\n`);
console.log(`${words.length} words`);
