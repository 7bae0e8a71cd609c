/**
 * @file What the audit's measures of a picture cost beside its decoding: processor milliseconds and decodings, min / median / max.
 *
 *     node scripts/debian-pictures.mjs FOLDER
 *     node bench/colour.mjs [--side 1024] [--rounds 15] [--working-side 768] [--pictures FOLDER]
 *
 * Pictures are JPEGs of drawn scenes, of noise, and of the largest twenty of FOLDER, cut to squares. All take turns, so that what disturbs the machine
 * disturbs all alike, and each ratio is of one turn. *Measuring* is `measureColours` and `dHash`; *all* is that and the decoding; *the whole image* is
 * `measureImage` on the file's bytes, with its header and SHA-256.
 */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { measureColours, placed } from "../dist/colour/index.js";
import { decodePicture } from "../dist/data/audit/decode.js";
import { dHash } from "../dist/data/audit/dhash.js";
import { measureImage } from "../dist/data/audit/measure-image.js";
import { renderScene, sceneAt } from "../dist/data/scenes/index.js";
import { generator } from "./random.mjs";

const { values: options } = parseArgs({
  options: {
    side: { type: "string", default: "1024" },
    rounds: { type: "string", default: "15" },
    "working-side": { type: "string", default: "768" },
    pictures: { type: "string" },
  },
});
const side = Number(options.side);
const rounds = Number(options.rounds);
const workingSide = Number(options["working-side"]);
const SCENES = 4;

// As the audit's own process has it.
sharp.cache(false);
sharp.concurrency(1);

function jpeg(rgb) {
  return sharp(Buffer.from(rgb), { raw: { width: side, height: side, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
}

function noise() {
  const next = generator();
  return Uint8Array.from({ length: 3 * side * side }, () => next() >>> 24);
}

/** Of the whole process: the decoder works on threads of its own. */
async function milliseconds(work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function summary(numbers, digits) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)].map((number) => number.toFixed(digits)).join(" / ");
}

const scenes = await Promise.all(Array.from({ length: SCENES }, (_, seed) => renderScene(sceneAt(seed), side)));
const sets = {
  scenes: await Promise.all(scenes.map(({ rgb }) => jpeg(rgb))),
  noise: [await jpeg(noise())],
  ...(options.pictures && { pictures: await largest(options.pictures, 20) }),
};

/** Those that shrink to the side, never the ones that would grow. */
async function largest(folder, count) {
  const names = (await readdir(folder, { recursive: true })).filter((name) => /\.(jpe?g|png|webp)$/i.test(name));
  const known = await Promise.all(
    names.map(async (name) => {
      const { width, height } = await sharp(join(folder, name)).metadata();
      return { name, least: Math.min(width, height) };
    }),
  );
  const fit = known.filter(({ least }) => least >= side).sort((a, b) => b.least - a.least);
  const square = ({ name }) =>
    sharp(join(folder, name)).removeAlpha().resize(side, side, { fit: "cover" }).jpeg({ quality: 90 }).toBuffer();
  return Promise.all(fit.slice(0, count).map(square));
}

const times = {};
const ratios = {};
const keep = (into, set, numbers) => {
  for (const [what, number] of Object.entries(numbers)) {
    into[`${set}, ${what}`] ??= [];
    into[`${set}, ${what}`].push(number);
  }
};
for (let round = -3; round < rounds; round++) {
  for (const [set, files] of Object.entries(sets)) {
    for (const file of files) {
      let picture;
      let inKernels;
      const took = {
        decoding: await milliseconds(async () => {
          picture = await decodePicture(file);
        }),
        measureColours: await milliseconds(() => {
          inKernels = placed(picture);
          measureColours(inKernels, workingSide);
        }),
        dHash: await milliseconds(() => dHash(inKernels)),
        measureImage: await milliseconds(async () => {
          for await (const event of measureImage({ path: "", content: file, workingSide })) void event;
        }),
      };
      // The first rounds compile.
      if (round < 0) continue;
      keep(times, set, took);
      const measuring = took.measureColours + took.dHash;
      keep(ratios, set, {
        measuring: measuring / took.decoding,
        all: (took.decoding + measuring) / took.decoding,
        "the whole image": took.measureImage / took.decoding,
      });
    }
  }
}

console.log(`${side}², measured at ${workingSide}: processor ms a picture, min / median / max`);
for (const [what, all] of Object.entries(times)) console.log(`${what.padEnd(28)}${summary(all, 1)}`);
console.log("in decodings");
for (const [what, all] of Object.entries(ratios)) console.log(`${what.padEnd(28)}${summary(all, 2)}`);
