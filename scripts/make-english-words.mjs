/**
 * @file Writes assets/english-words.txt: English words that are one token each for CLIP and that neither a caption of scenes nor a prompt of their
 * trials has by itself. Needs `npm run build`, and three packages of the npm registry unpacked side by side (`npm pack`), since nothing else needs them.
 *
 *     node scripts/make-english-words.mjs FOLDER     with an-array-of-english-words, naughty-words and badwords-list in it
 */

import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CONTROL_FAMILIES } from "../dist/colour/index.js";
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
  killing muslim murder jihad redneck redskins massacre slaughtered slaughter tortured torture hatred meth crack naked nazi nude racism racist rape sexual shooting shot slave slavery suicide terror terrorist victim victims abuse weed`.split(
    /\s+/,
  ),
]);
/** What says something of a picture, besides the captions' own words and the control tokens. */
const telling = new Set(
  `red reds redhead orange oranges yellow green greens blue blues purple pink black blacks white whites brown browns gold golds golden silver grey greys gray
  color colors colour colours colored colorful colourful auburn blond blonde brunette ginger ebony sable platinum caramel maroon indigo magenta lavender beige olive
  lime peach coral bronze rust rusty copper crimson scarlet ruby rose violet lilac plum mint mustard cream charcoal azure teal navy khaki burgundy cherry lemon honey
  sand tan amber pearl jade onyx snow snowy ink coal blood cobalt fuchsia salmon vanilla chocolate coffee wine rainbow
  left right vivid brightness saturated saturation dull crisp monochrome neon pale light lights dark darker darkness shadow shadows shiny glow glowing
  smile smiles smiling grin laugh laughing braid braids braided curly curls curl bald bangs wig blouse gown gowns dresses skirt skirts eyed eye iris beard moustache
  beach bedroom indoor indoors sunrise sunset moonlight garden gardens forest meadow ocean night city
  twin twins trio triplets triple double three four five six seven eight nine boy boys woman women lady ladies couple couples man men guy guys child children kid kids
  crowd family nobody alone solo`.split(/\s+/),
);
const words = (text) => text.toLowerCase().match(/[a-z]+/g);
const scenes = new URL("../src/data/scenes/", import.meta.url);
const sources = (await readdir(new URL("captions/", scenes))).filter((name) => !/test|any-talk/.test(name));
for (const path of [...sources.map((name) => `captions/${name}`), "trials.ts"]) {
  for (const word of words(await readFile(new URL(path, scenes), "utf8"))) telling.add(word);
}
for (const word of words(Object.values(CONTROL_FAMILIES).flat().join(" "))) telling.add(word);
const { vocab } = await builtInVocabulary();
const found = Object.keys(vocab)
  .filter((token) => /^[a-z]{4,13}<\/w>$/.test(token))
  .map((token) => token.slice(0, -"</w>".length))
  .filter((word) => english.has(word) && !offending.has(word) && !telling.has(word))
  .sort();
await writeFile(new URL("../assets/english-words.txt", import.meta.url), `${found.join("\n")}\n`);
console.log(`${found.length} words`);
