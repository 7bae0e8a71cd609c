/** @file For studies: pictures of the same prompts and seeds from two models, and how far the one's have moved from the other's. */

import { rm } from "node:fs/promises";
import sharp from "sharp";
import { measureColours } from "../dist/colour/index.js";
import { captionOf, sceneAt, scorePicture } from "../dist/data/scenes/index.js";
import { generate } from "../dist/index.js";

const SIDE = 128;
export const SEEDS = 25;

/** Scenes with one girl and with two, told in sentences. */
export const neutral = Array.from({ length: SEEDS }, (_, i) => {
  const scene = sceneAt(60_000 + i, { girls: 1 + (i % 2), tones: "none" });
  return { scene, prompt: captionOf(scene, "sentences", i) };
});

/** A picture a prompt, whose number is the seed unless `more` says another. */
export async function drawn(model, prompts, more = {}) {
  const pictures = [];
  for (const [seed, prompt] of prompts.entries()) {
    const size = { width: SIDE, height: SIDE };
    const how = { sampler: "euler", schedule: "normal", steps: 28, cfg: 7.5, negativePrompt: "" };
    for await (const event of generate({ model, prompt, seed, ...size, ...how, ...more })) {
      if (event.type === "picture") pictures.push(event.image);
    }
  }
  return pictures;
}

/** Area means on 16 x 16 cells, three numbers each: all frequencies up to an eighth of a 128 pixel picture's. */
function coarse({ width, height, rgb }) {
  const cells = 16;
  const sums = new Float64Array(3 * cells * cells);
  const area = (width / cells) * (height / cells);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const cell = Math.floor((y * cells) / height) * cells + Math.floor((x * cells) / width);
      for (let c = 0; c < 3; c++) sums[3 * cell + c] += rgb[3 * (y * width + x) + c] / area;
    }
  }
  return sums;
}

function meanColour(cells) {
  const mean = [0, 0, 0];
  for (const [i, value] of cells.entries()) mean[i % 3] += (3 * value) / cells.length;
  return mean;
}

/** Of the coarse picture without its mean colour. */
function energy(cells) {
  const mean = meanColour(cells);
  return cells.reduce((sum, value, i) => sum + (value - mean[i % 3]) ** 2, 0);
}

const meanOf = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** How pictures of the neutral prompts differ from earlier ones of the same seeds. */
export function drift(before, after) {
  const pairs = before.map((picture, i) => [coarse(picture), coarse(after[i])]);
  const saturations = [before, after].map((all) => meanOf(all.map((picture) => measureColours(picture).saturation)));
  return {
    meanColour: meanOf(
      pairs.map(([a, b]) => {
        const [from, to] = [meanColour(a), meanColour(b)];
        return Math.hypot(...from.map((value, c) => value - to[c]));
      }),
    ),
    saturation: saturations[1] / saturations[0],
    lowEnergy: meanOf(pairs.map(([, b]) => energy(b))) / meanOf(pairs.map(([a]) => energy(a))),
    right: meanOf(after.map((picture, i) => Number(rightGirls(picture, neutral[i].scene)))),
  };
}

/** Every girl there, with the hair and eyes that the prompt says. */
function rightGirls(picture, { girls }) {
  const wanted = girls.map(({ hair, eyes }) => ({ hair, eyes }));
  return scorePicture(picture, { girls: wanted }).girls.every(({ hair, eyes }) => hair.holds && eyes.holds);
}

/** Rows of pictures. */
export async function writeSheet(file, rows) {
  const gap = 4;
  const tiles = rows.flatMap((row, y) =>
    row.map(({ rgb, width, height }, x) => ({
      input: Buffer.from(rgb),
      raw: { width, height, channels: 3 },
      left: x * (SIDE + gap),
      top: y * (SIDE + gap),
    })),
  );
  const size = { width: rows[0].length * (SIDE + gap) - gap, height: rows.length * (SIDE + gap) - gap };
  const canvas = sharp({ create: { ...size, channels: 3, background: "#fff" } }).composite(tiles);
  await rm(file, { force: true });
  await canvas.png({ compressionLevel: 9, palette: true }).toFile(file);
}
