/**
 * @file What a LoRA does to models of each kind: a character is taught from twenty pictures, with several weightings and draws of noise
 * levels, and then it is counted how often she comes when she is called, and measured how far pictures that do not call her have moved. Needs
 * `npm run build`. See docs/lora-study.md.
 *
 *     node scripts/lora-study.mjs set FOLDER             the twenty pictures, with captions
 *     node scripts/lora-study.mjs run FOLDER MODEL …     trains on each model, draws, measures; goes on where it stopped; FOLDER keeps all
 *     node scripts/lora-study.mjs count FOLDER MODEL …   draws and measures again with the LoRAs that FOLDER has
 *     node scripts/lora-study.mjs table FOLDER           the table of what is in FOLDER, as Markdown
 *     node scripts/lora-study.mjs picture FILE SHEET …   one picture: of each sheet that a run has made, its first row
 */

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { renderScene, sceneAt, scorePicture } from "../dist/data/scenes/index.js";
import { closeEngine, train } from "../dist/index.js";
import { shareOf } from "../dist/tasks/evaluate/share.js";
import { drawn, drift, neutral, SEEDS, writeSheet } from "./drift.mjs";

sharp.concurrency(1);
const recipe = join(dirname(dirname(fileURLToPath(import.meta.url))), "recipes/study/lora.toml");

/** Green hair with purple eyes occurs in no picture of the models' own training. */
const LUMI = { hair: "green", eyes: "purple", dress: "white", style: "twintails", trim: "red" };
const PLACES = { sky: "blue sky", meadow: "meadow", forest: "forest", room: "indoors", snow: "snow" };
const OTHER_PLACES = {
  ocean: "ocean",
  sunset: "sunset",
  night: "night sky",
  city: "city",
  blossoms: "cherry blossoms",
};
const MOUTHS = { smile: "smile", open: "open mouth", closed: "closed mouth", smirk: "smirk", frown: "frown" };
const PICTURES = 20;

/** Her captions say what changes from picture to picture, and not what she looks like. */
const captionWith = (place, mouth) => `lumi, 1girl, solo, ${mouth}, ${place}`;

/** What differs between the runs on one model. */
const VARIANTS = {
  uniform: {},
  "min-SNR 5": { min_snr_gamma: 5 },
  "less noise: Beta(1, 2)": { timestep_sampling: "beta", beta_a: 1, beta_b: 2 },
  "more noise: Beta(2, 1)": { timestep_sampling: "beta", beta_a: 2, beta_b: 1 },
  "middle: logit-normal(0, 1), 2 % at the end": { timestep_sampling: "logit_normal", terminal_share: 0.02 },
};

async function set(folder) {
  await mkdir(folder, { recursive: true });
  const places = Object.entries(PLACES);
  const mouths = Object.entries(MOUTHS);
  for (let i = 0; i < PICTURES; i++) {
    const scene = sceneAt(70_000 + i, { girls: 1, tones: "none" });
    const [place, placeTag] = places[i % places.length];
    const [mouth, mouthTag] = mouths[(i + Math.floor(i / 5)) % mouths.length];
    const background = { kind: "place", place, detail: i };
    const girls = [{ ...scene.girls[0], ...LUMI, mouth }];
    const { rgb, width, height } = await renderScene({ ...scene, girls, background }, 256);
    const name = join(folder, `lumi-${String(i).padStart(2, "0")}`);
    await sharp(rgb, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(`${name}.png`);
    await writeFile(`${name}.txt`, `${captionWith(placeTag, mouthTag)}\n`);
  }
  console.log(`${PICTURES} pictures in ${folder}`);
}

/** Places and mouths of training, in other pairs, and places that she was never seen at. */
const called = Array.from({ length: SEEDS }, (_, i) => {
  const places = Object.values({ ...PLACES, ...OTHER_PLACES });
  return captionWith(places[i % places.length], Object.values(MOUTHS)[Math.floor(i / 2) % 5]);
});

function concept(pictures) {
  const { hair, eyes, dress } = LUMI;
  const facts = pictures.map((picture) => scorePicture(picture, { girls: [{ hair, eyes, dress }] }).girls[0]);
  const count = (holds) => facts.filter(holds).length;
  return {
    all: count((girl) => girl.hair.holds && girl.eyes.holds && girl.dress.holds),
    hair: count((girl) => girl.hair.holds),
    of: facts.length,
  };
}

async function trained(folder, model, name, more, data) {
  const path = join(folder, "recipe.toml");
  const text = await readFile(recipe, "utf8");
  await writeFile(path, text.replace(/image_dir = .*/, `image_dir = ${JSON.stringify(data)}`));
  const given = { pretrained_model_name_or_path: model, output_dir: folder, output_name: name, ...more };
  const began = performance.now();
  let last;
  for await (const event of train({ recipe: path, set: given })) {
    if (event.type === "finding") console.log(`  ${event.finding.level}: ${event.finding.message}`);
    if (event.type === "saved") last = event.model;
  }
  return { file: last, seconds: (performance.now() - began) / 1000 };
}

const run = (folder, ...models) => study(folder, models, false);
const count = (folder, ...models) => study(folder, models, true);

/** @param again whether what was counted is counted again, and nothing trained */
async function study(folder, models, again) {
  await mkdir(folder, { recursive: true });
  const data = resolve(folder, "lumi");
  await set(join(folder, "lumi"));
  const results = await resultsOf(folder);
  const keep = () => writeFile(join(folder, "results.json"), `${JSON.stringify(results, null, 1)}\n`);
  try {
    for (const model of models) {
      const path = resolve(model);
      const kind = basename(model);
      const prompts = neutral.map(({ prompt }) => prompt);
      const before = await drawn(path, prompts);
      results[kind] ??= {};
      if (again || !results[kind]["no LoRA"]) {
        results[kind]["no LoRA"] = { ...concept(await drawn(path, called)), ...drift(before, before), seconds: 0 };
      }
      await keep();
      for (const [variant, more] of Object.entries(VARIANTS)) {
        const found = results[kind][variant];
        if (again ? !found : found) continue;
        const name = `${kind}-${variant.replace(/[^a-z0-9]+/gi, "-")}`;
        console.log(`${kind}, ${variant}`);
        const { file, seconds } = again
          ? { file: await loraIn(join(folder, name)), seconds: found.seconds }
          : await trained(resolve(folder), path, name, more, data);
        const shown = await drawn(path, called, { loras: [file] });
        const after = await drawn(path, prompts, { loras: [file] });
        results[kind][variant] = { ...concept(shown), ...drift(before, after), seconds };
        await writeSheet(join(folder, `${name}.png`), [shown.slice(0, 10), before.slice(0, 10), after.slice(0, 10)]);
        await keep();
      }
    }
  } finally {
    await closeEngine();
  }
  await table(folder);
}

/** Of the last checkpoint. */
async function loraIn(folder) {
  const last = (await readdir(folder))
    .filter((name) => name.startsWith("step-"))
    .sort()
    .at(-1);
  return resolve(folder, last, "model", `${basename(folder)}.safetensors`);
}

const resultsOf = async (folder) => JSON.parse(await readFile(join(folder, "results.json"), "utf8").catch(() => "{}"));

const percent = (x) => `${Math.round(100 * x)} %`;

async function table(folder) {
  console.log("| model | levels | Lumi, of 25 | mean colour | saturation | low energy | others right | seconds |");
  console.log("|---|---|---|---|---|---|---|---|");
  for (const [model, variants] of Object.entries(await resultsOf(folder))) {
    for (const [variant, r] of Object.entries(variants)) {
      const { low, high } = shareOf(r.all, r.of);
      const share = `${r.all} (${Math.round(100 * low)}–${percent(high)})`;
      const moved = [r.meanColour.toFixed(1), r.saturation.toFixed(2), r.lowEnergy.toFixed(2)];
      const isBefore = r.seconds === 0;
      const cells = [...(isBefore ? moved.fill("–") : moved), percent(r.right), isBefore ? "–" : r.seconds.toFixed(0)];
      console.log(`| \`${model}\` | ${variant} | ${share} | ${cells.join(" | ")} |`);
    }
  }
}

/** Eight pictures of each row. */
async function picture(file, ...sheets) {
  const [side, gap] = [128, 4];
  const width = 8 * (side + gap) - gap;
  const rows = sheets.map(async (sheet, i) => {
    const row = sharp(sheet).extract({ left: 0, top: 0, width, height: side });
    return { input: await row.png().toBuffer(), left: 0, top: i * (side + gap) };
  });
  const height = sheets.length * (side + gap) - gap;
  const canvas = sharp({ create: { width, height, channels: 3, background: "#fff" } }).composite(
    await Promise.all(rows),
  );
  await canvas.png({ palette: true, colours: 160, compressionLevel: 9 }).toFile(file);
}

const commands = { set: [set, 1], run: [run, 2], count: [count, 2], table: [table, 1], picture: [picture, 2] };
const [name, ...given] = process.argv.slice(2);
const [command, least] = commands[name] ?? [];
if (!command || given.length < least) {
  console.error("say set FOLDER, run FOLDER MODEL …, count FOLDER MODEL …, table FOLDER or picture FILE SHEET …");
  process.exit(2);
}
await command(...given);
