/**
 * @file Looks at the drawn scenes and their scorer in numbers larger than tests have. Needs `npm run build`.
 *
 *     node scripts/scenes.mjs sheet FILE [seed]              48 scenes on one picture, with tones
 *     node scripts/scenes.mjs score [count] [size] [seed]   how often the scorer is wrong on true and on false pictures,
 *                                                            told their tones and not
 *     node scripts/scenes.mjs eye                           what the scorer says of models' pictures that were looked at
 *     node scripts/scenes.mjs speed [count] [size]           scenes a second, drawn and measured, on one core
 *     node scripts/scenes.mjs thresholds [count]             the cuts of `SCENE_THRESHOLDS`
 */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { fitThresholds, measureColours, printThresholds } from "../dist/colour/index.js";
import { renderScene, SCENE_THRESHOLDS, sceneAt, scorePicture } from "../dist/data/scenes/index.js";

sharp.concurrency(1);

const raw = ({ rgb, width, height }) => sharp(Buffer.from(rgb), { raw: { width, height, channels: 3 } });
const pixels = async (picture, pipeline) => ({ ...picture, rgb: new Uint8Array(await pipeline.raw().toBuffer()) });

async function sheet(file, first = 0) {
  const [columns, rows, size, gap] = [8, 6, 128, 2];
  const tiles = Array.from({ length: columns * rows }, async (_, i) => ({
    input: await raw(await renderScene(sceneAt(first + i), size))
      .png()
      .toBuffer(),
    left: (i % columns) * (size + gap),
    top: Math.floor(i / columns) * (size + gap),
  }));
  const width = columns * (size + gap) - gap;
  const height = rows * (size + gap) - gap;
  const canvas = sharp({ create: { width, height, channels: 3, background: "#808080" } });
  await canvas
    .composite(await Promise.all(tiles))
    .png({ compressionLevel: 9, palette: true })
    .toFile(file);
}

async function score(count = 1000, size = 128, first = 1e6) {
  for (const told of [true, false]) {
    console.log(told ? "tones told" : "\ntones not told");
    await scoreKnowing(told, count, size, first);
  }
}

async function scoreKnowing(told, count, size, first) {
  const wrong = { pictures: 0, girls: 0, count: 0, hair: 0, eyes: 0, dress: 0, background: 0, any: 0 };
  const accepted = {};
  const factsOf = (picture, { tone, ...rest }) => scorePicture(picture, told ? { ...rest, tone } : rest);
  const judge = (kind, picture, scene) => {
    accepted[kind] ??= { pictures: 0, all: 0, hair: 0, hairAndEyes: 0 };
    const { all, girls } = factsOf(picture, scene);
    accepted[kind].pictures++;
    if (all) accepted[kind].all++;
    if (girls.every(({ hair }) => hair.holds)) accepted[kind].hair++;
    if (girls.every(({ hair, eyes }) => hair.holds && eyes.holds)) accepted[kind].hairAndEyes++;
  };
  for (let seed = 0; seed < count; seed++) {
    const scene = sceneAt(first + seed, { split: "any" });
    const picture = await renderScene(scene, size);
    const facts = factsOf(picture, scene);
    wrong.pictures++;
    wrong.girls += scene.girls.length;
    wrong.count += !facts.count;
    wrong.background += !facts.background.holds;
    wrong.any += !facts.all;
    for (const girl of facts.girls) for (const fact of ["hair", "eyes", "dress"]) wrong[fact] += !girl[fact].holds;
    const [left, right] = scene.girls;
    if (!left) continue;
    if (right && left.hair !== right.hair)
      judge("swapped", await renderScene({ ...scene, girls: [right, left] }, size), scene);
    judge("girl-less", await renderScene({ ...scene, girls: [] }, size), scene);
    judge("blurred", await pixels(picture, raw(picture).blur(size * 0.07)), scene);
    judge("noise", { ...picture, rgb: Uint8Array.from(picture.rgb, () => 256 * Math.random()) }, scene);
    const blots = { width: 8, height: 8, rgb: Uint8Array.from({ length: 192 }, () => 256 * Math.random()) };
    judge("smooth noise", await pixels(picture, raw(blots).resize(size, size, { kernel: "cubic" })), scene);
    const other = sceneAt(first + count + seed, { girls: scene.girls.length, tones: "none" });
    judge("another scene", await renderScene({ ...other, tone: scene.tone }, size), scene);
  }
  console.log("wrong on true scenes:", wrong);
  console.log("accepted:");
  console.table(accepted);
}

/** Pictures and labels of `score.test.ts`, with every prompt's girls swapped, too. */
async function eye() {
  const at = (name) => fileURLToPath(new URL(`../test/fixtures/seen-by-eye.${name}`, import.meta.url));
  const { data, info } = await sharp(at("webp")).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const counts = { right: 0, accepted: 0, wrong: 0, acceptedWrongly: 0, acceptedSwapped: 0 };
  for (const [i, { prompt, seen }] of JSON.parse(await readFile(at("json"), "utf8")).entries()) {
    const tile = { left: (i % 16) * 128, top: Math.floor(i / 16) * 128, width: 128, height: 128 };
    const rgb = new Uint8Array(await sharp(data, { raw: info }).extract(tile).raw().toBuffer());
    const holds = (pair) =>
      scorePicture({ width: 128, height: 128, rgb }, { girls: pair.map((hair) => ({ hair })) }).girls.every(
        ({ hair }) => hair.holds,
      );
    const isRight = prompt.every((hair, side) => hair === seen[side]);
    counts[isRight ? "right" : "wrong"]++;
    if (holds(prompt)) counts[isRight ? "accepted" : "acceptedWrongly"]++;
    if (isRight && holds(prompt.toReversed())) counts.acceptedSwapped++;
  }
  console.log(counts);
}

async function speed(count = 400, size = 128) {
  const scenes = Array.from({ length: count }, (_, seed) => sceneAt(seed));
  for (const scene of scenes.slice(0, 50)) measureColours(await renderScene(scene, size), 64);
  const start = process.cpuUsage();
  const clock = performance.now();
  for (const scene of scenes) measureColours(await renderScene(scene, size), 64);
  const seconds = (performance.now() - clock) / 1000;
  const { user, system } = process.cpuUsage(start);
  console.log(
    `${(count / seconds).toFixed(0)} scenes a second, ${((user + system) / 1000 / count).toFixed(2)} ms of CPU each`,
  );
}

async function thresholds(count = 4000) {
  const measured = [];
  for (let seed = 0; seed < count; seed++) {
    measured.push(measureColours(await renderScene(sceneAt(seed), 128), SCENE_THRESHOLDS.workingSide));
  }
  console.log(printThresholds(fitThresholds(measured, { name: "scenes" })));
}

const commands = { sheet, score, eye, speed, thresholds };
const [name, ...given] = process.argv.slice(2);
const command = commands[name];
if (!command) throw new Error(`say one of ${Object.keys(commands).join(", ")}`);
await command(...given.map((argument, i) => (name === "sheet" && i === 0 ? argument : Number(argument))));
