/**
 * @file A finished audit of made-up images, for measuring what is done with millions of rows: no picture is drawn, captions are of lengths
 * that people's sets have. The same count gives the same table.
 *
 *     node bench/audit-rows.mjs FOLDER COUNT [--captions table | sidecars | metadata] [--uncounted]
 *
 * The audit is `FOLDER/audit`. Of `table`, captions are only in its rows; of the others they are in files below `FOLDER/set`, too: one
 * beside each image (whose own file is missing), or all in one `metadata.jsonl`. A quarter of the captions are a description, a quarter
 * tags, the others tags with a description in their second line. There are 20,000 captions and as many measures, which come again and again. `--uncounted` leaves out the
 * figures and the duplicates, which take most of the time of a large table: a report then counts first, and finds no duplicates; SQL wants a table with them.
 */

import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import {
  NO_FACTS,
  PERCEPTUAL_HASH,
  rowCounter,
  writeDuplicates,
  writeFigures,
  writeManifest,
  writeShard,
} from "../dist/data/audit/index.js";
import { openVocabulary } from "../dist/tasks/audit/vocabulary.js";
import { generator } from "./random.mjs";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { captions: { type: "string", default: "table" }, uncounted: { type: "boolean", default: false } },
});
const [folder, count] = [resolve(positionals[0]), Number(positionals[1])];
const SHARD = 1024;
/** Images a folder. */
const TOGETHER = 4096;

const next = generator();
const random = () => next() / 2 ** 32;
const below = (most) => Math.floor(random() * most);
/** About as Zipf has it: the n-th is as frequent as 1 / n. */
const zipf = (most) => Math.floor(most ** random()) - 1;
const bell = (mean, deviation) => mean + deviation * (random() + random() + random() + random() - 2) * 1.7;
const within = (value, most) => Math.min(most, Math.max(0, value));

const SYLLABLES = "ka shi ro ten ber ling or an e du mi ra ves to gre il sa pon ci the".split(" ");
const word = () => Array.from({ length: 1 + below(3) }, () => SYLLABLES[below(SYLLABLES.length)]).join("");
const WORDS = Array.from({ length: 30_000 }, word);
const TAGS = Array.from({ length: 60_000 }, () => Array.from({ length: 1 + below(3) }, word).join(" "));

const tags = () =>
  Array.from({ length: Math.max(3, Math.round(bell(25, 9))) }, () => TAGS[zipf(TAGS.length)]).join(", ");
function description() {
  const sentence = () => {
    const words = Array.from({ length: 6 + below(18) }, () => WORDS[zipf(WORDS.length)]);
    if (words.length > 12) words[8] += ",";
    return `${words.join(" ")}.`;
  };
  return Array.from({ length: 3 + below(6) }, sentence).join(" ");
}
function caption() {
  const kind = below(4);
  if (kind === 0) return description();
  return kind === 1 ? tags() : `${tags()}\n${description()}`;
}

const CAPTIONS = Array.from({ length: 20_000 }, caption);

const FORMATS = ["jpeg", "jpeg", "jpeg", "png", "webp"];
function measures() {
  const [width, height] = [256 + 8 * below(220), 256 + 8 * below(220)];
  const brightness = within(bell(130, 50), 255);
  const saturation = within(bell(85, 40), 255);
  const hues = Array.from({ length: 36 }, () => random() ** 4);
  const chroma = hues.reduce((sum, share) => sum + share);
  return {
    ...NO_FACTS,
    ...{ format: FORMATS[below(5)], width, height },
    ...{ channels: 3, frames: 1, hasProfile: below(3) === 0, hasAlpha: below(9) === 0, transparentShare: 0 },
    ...{
      greyscale: below(40) === 0,
      contrast: within(bell(0.2, 0.07), 0.5),
      brightness,
      sharpness: Math.exp(bell(6, 1.5)),
    },
    ...{ dynamicColours: within(bell(2, 1), 6), colourfulness: within(bell(50, 25), 200), saturation },
    ...{ saturationDeviation: within(bell(55, 15), 128), colourful: saturation > 120 && below(2) === 0 },
    ...{ hues: hues.map((share) => share / chroma), vividGrid: Array.from({ length: 9 }, () => random() ** 6) },
    ...{
      whiteShare: random() ** 8,
      blackShare: random() ** 9,
      clippedHighShare: random() ** 8,
      clippedLowShare: random() ** 9,
    },
  };
}

const MEASURES = Array.from({ length: 20_000 }, measures);

function facts(id) {
  if (id % 200 === 7) return { ...NO_FACTS, error: "broken", errorText: "Input buffer has corrupt header" };
  // Every fiftieth has the bytes of the one before.
  const digest = createHash("sha256")
    .update(String(id % 50 === 49 ? id - 1 : id))
    .digest();
  return { ...MEASURES[below(MEASURES.length)], sha256: digest.toString("hex"), dhash: digest.readBigUInt64LE() };
}

const set = join(folder, "set");
const table = join(folder, "audit", "table");
await mkdir(table, { recursive: true });
await mkdir(set, { recursive: true });
const metadata = options.captions === "metadata" ? createWriteStream(join(set, "metadata.jsonl")) : undefined;

async function row(id) {
  const name = join(String(Math.floor(id / TOGETHER)).padStart(4, "0"), `${String(id).padStart(8, "0")}.jpg`);
  const source = join(set, name);
  const text = CAPTIONS[below(CAPTIONS.length)];
  const origin = {
    id,
    source,
    member: null,
    memberNumber: null,
    bytes: 200_000 + below(400_000),
    mtimeMs: 1.7e12 + id,
  };
  const where = metadata ? join(set, "metadata.jsonl") : source.replace(/jpg$/, "txt");
  if (options.captions === "sidecars") {
    if (id % TOGETHER === 0) await mkdir(join(source, ".."), { recursive: true });
    await writeFile(where, text);
  }
  if (metadata && !metadata.write(`${JSON.stringify({ file_name: name, text })}\n`)) {
    await new Promise((drained) => metadata.once("drain", drained));
  }
  const kept = { caption: text, captionError: null, captionFile: where, captionLine: metadata ? id + 1 : null };
  return { ...origin, repeats: 1, ...kept, ...facts(id) };
}

const shards = Math.ceil(count / SHARD);
const counter = options.uncounted ? undefined : rowCounter(await openVocabulary());
let errors = 0;
for (let shard = 0; shard < shards; shard++) {
  const rows = [];
  for (let id = shard * SHARD; id < Math.min(count, (shard + 1) * SHARD); id++) rows.push(await row(id));
  errors += rows.filter(({ error }) => error !== null).length;
  await writeShard(table, shard, rows, 768);
  for (const one of rows) counter?.add(one);
}
metadata?.end();
if (counter) await writeFigures(table, counter.result());
const duplicates = counter ? await writeDuplicates(table, count, 3) : { groups: 0, grouped: 0 };
await writeManifest(table, {
  ...{ format: "illustrious.audit", version: 1, program: "bench", paths: [set], complete: true, shards, ...duplicates },
  ...{
    images: count,
    errors,
    settings: { workingSide: 768, perceptualHash: PERCEPTUAL_HASH, nearDistance: 3, shard: SHARD },
  },
});
