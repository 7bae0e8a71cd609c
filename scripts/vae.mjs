/**
 * @file What an autoencoder leaves of drawn scenes that it has not learnt from: signal to noise, colours, and how many facts the scorer still
 * reads, size by size. Needs `npm run build`.
 *
 *     node scripts/vae.mjs VAE [count] [SHEET.png]      VAE: a diffusers VAE folder or a .safetensors file; 100 scenes a size if not told
 *
 * Scenes have combinations of colours that occur in no training set. PSNR is the mean over pictures of each one's, on 8-bit pixels. A fact
 * counts as read when the scorer reads it from the picture that came back as it was drawn.
 */

import sharp from "sharp";
import { measureColours } from "../dist/colour/index.js";
import { renderScene, sceneAt, scorePicture } from "../dist/data/scenes/index.js";
import { throughLatents } from "./through-latents.mjs";

sharp.concurrency(1);
const [vae, count = "100", sheet] = process.argv.slice(2);
if (!vae) {
  console.error("say VAE [count] [SHEET.png]");
  process.exit(2);
}
const returned = await throughLatents(vae);

function psnr({ rgb }, { rgb: back }) {
  const squares = rgb.reduce((sum, value, i) => sum + (value - back[i]) ** 2, 0);
  return 10 * Math.log10(255 ** 2 / (squares / rgb.length));
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const percent = (facts) => `${(100 * mean(facts.map(Number))).toFixed(1)} %`;
const shown = [];
console.log("| side | PSNR, dB | without tones | hair | eyes | dress | background | saturation | luma error |");
console.log("|---|---|---|---|---|---|---|---|---|");
for (const side of [64, 96, 128, 192, 256]) {
  const [all, plain, hair, eyes, dress, background, saturations, lumas] = Array.from({ length: 8 }, () => []);
  for (let i = 0; i < Number(count); i++) {
    const scene = sceneAt(910_000 + i, { split: "held-out" });
    const picture = await renderScene(scene, side);
    const back = await returned(picture);
    const decibels = psnr(picture, back);
    all.push(decibels);
    if (scene.tone.changes.length === 0) plain.push(decibels);
    const facts = scorePicture(back, scene);
    for (const girl of facts.girls) {
      hair.push(girl.hair.holds);
      eyes.push(girl.eyes.holds);
      dress.push(girl.dress.holds);
    }
    background.push(facts.background.holds);
    const [before, after] = [measureColours(picture), measureColours(back)];
    saturations.push([before.saturation, after.saturation]);
    lumas.push(Math.abs(before.brightness - after.brightness));
    if (side === 128 && i < 12) shown.push(picture, back);
  }
  const saturation = mean(saturations.map(([, after]) => after)) / mean(saturations.map(([before]) => before));
  const read = [hair, eyes, dress, background].map(percent).join(" | ");
  const noise = `${mean(all).toFixed(1)} | ${mean(plain).toFixed(1)}`;
  console.log(`| ${side} | ${noise} | ${read} | × ${saturation.toFixed(3)} | ${mean(lumas).toFixed(2)} |`);
}

if (sheet) {
  const tiles = shown.map(({ rgb, width, height }, i) => ({
    input: Buffer.from(rgb),
    raw: { width, height, channels: 3 },
    left: (i % 6) * width,
    top: Math.floor(i / 6) * height,
  }));
  const canvas = sharp({ create: { width: 6 * 128, height: 4 * 128, channels: 3, background: "#888" } });
  await canvas.composite(tiles).png({ compressionLevel: 9 }).toFile(sheet);
}
process.exit(0);
