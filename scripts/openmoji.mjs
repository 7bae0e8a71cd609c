/**
 * @file OpenMoji (openmoji.org, CC BY-SA 4.0) as a set that nobody here drew: made, looked at, and asked of a model. Needs `npm run build`.
 * Evaluate the model that training began with, too: it knows colours before it knows emoji. See docs/openmoji.md.
 *
 *     node scripts/openmoji.mjs set FOLDER [PACKAGE]             data set; without the unpacked package, npm fetches it for the time being
 *     node scripts/openmoji.mjs check FOLDER                     how often the judge is right on the true pictures
 *     node scripts/openmoji.mjs sheet FOLDER FILE                96 pictures of the set on one
 *     node scripts/openmoji.mjs evaluate FOLDER MODEL FILE [seeds] [steps] [cfg]
 *                                                                accuracy on the held-out pairs, and a sheet of what was drawn
 */

import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import { COLOUR_NAMES, dominantColour, writeEmojiSet } from "../dist/data/openmoji/index.js";
import { closeEngine, generate } from "../dist/index.js";
import { shareOf } from "../dist/tasks/evaluate/share.js";

const VERSION = "17.0.0";

sharp.concurrency(1);

async function set(folder, given) {
  const temporary = given ? undefined : await mkdtemp(join(tmpdir(), "openmoji-"));
  try {
    for await (const { done, total } of writeEmojiSet(given ?? (await fetched(temporary)), folder)) {
      if (done % 500 === 0 || done === total) console.log(`${done} of ${total} pictures`);
    }
  } finally {
    if (temporary) await rm(temporary, { recursive: true });
  }
}

/** npm unpacks it; nothing of it runs, and nothing that it depends on comes along. */
async function fetched(folder) {
  const say = ["install", "--prefix", folder, "--no-save", "--ignore-scripts", "--omit=optional", "--no-audit"];
  console.log(`npm fetches openmoji ${VERSION}, about 60 MB unpacked`);
  await promisify(execFile)("npm", [...say, `openmoji@${VERSION}`]);
  return join(folder, "node_modules/openmoji");
}

async function pixels(input) {
  const { data, info } = await sharp(input).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, rgb: data };
}

const questionsOf = async (folder) => JSON.parse(await readFile(join(folder, "held-out.json"), "utf8"));

/**
 * The share of right answers that the same answers would have if they were given to the questions in any order: what a model reaches
 * that draws as many pictures of each colour and does not read the prompt.
 */
function shuffledShare(answers) {
  const count = (key, colour) => answers.filter((answer) => answer[key] === colour).length;
  const pairs = COLOUR_NAMES.reduce((sum, colour) => sum + count("asked", colour) * count("seen", colour), 0);
  return pairs / answers.length ** 2;
}

const percent = (x) => `${(100 * x).toFixed(1)} %`;

function tell(title, answers) {
  if (answers.length === 0) return;
  const { right, of, low, high } = shareOf(answers.filter(({ asked, seen }) => asked === seen).length, answers.length);
  const interval = `${right} of ${of}, ${percent(right / of)} (95 %: ${percent(low)} to ${percent(high)})`;
  console.log(`${title}: ${interval}; the same answers shuffled: ${percent(shuffledShare(answers))}`);
}

function tellColours(answers) {
  const rows = COLOUR_NAMES.map((colour) => {
    const asked = answers.filter((answer) => answer.asked === colour);
    const seen = [...COLOUR_NAMES, undefined].map((name) => [
      name ?? "none",
      asked.filter((answer) => answer.seen === name).length,
    ]);
    return [colour, Object.fromEntries(seen)];
  });
  console.log("asked (rows), seen (columns):");
  console.table(Object.fromEntries(rows));
}

/** Captions were written by counting pixels of OpenMoji's exact colours; the judge reads the pictures as it reads a model's. */
async function check(folder) {
  const answers = [];
  const add = async (asked, path) => answers.push({ asked, seen: dominantColour(await pixels(path)).name });
  for (const name of await readdir(join(folder, "train"))) {
    if (!name.endsWith(".txt")) continue;
    const [line] = (await readFile(join(folder, "train", name), "utf8")).split("\n");
    await add(line.split(" ")[0], join(folder, "train", name.replace(".txt", ".png")));
  }
  tell("train", answers);
  const heldOut = [];
  for (const { colour, picture } of await questionsOf(folder)) {
    heldOut.push({ asked: colour, seen: dominantColour(await pixels(join(folder, picture))).name });
  }
  tell("held out", heldOut);
  tellColours([...answers, ...heldOut]);
}

async function sheet(folder, file) {
  const [columns, rows] = [12, 8];
  const names = (await readdir(join(folder, "train"))).filter((name) => name.endsWith(".png"));
  const chosen = Array.from({ length: columns * rows }, (_, i) => names[Math.floor((i * names.length) / 96)]);
  await writeSheet(
    file,
    chosen.map((name) => ({ path: join(folder, "train", name) })),
    columns,
  );
}

/** Pictures in rows; a red frame around those that are wrong. */
async function writeSheet(file, pictures, columns) {
  const [side, gap] = [64, 4];
  const rows = Math.ceil(pictures.length / columns);
  const tiles = pictures.map(async ({ path, right }, i) => ({
    input: await sharp(path)
      .resize(side, side)
      .extend({ top: 2, bottom: 2, left: 2, right: 2, background: right === false ? "#e00020" : "#fff" })
      .png()
      .toBuffer(),
    left: (i % columns) * (side + gap),
    top: Math.floor(i / columns) * (side + gap),
  }));
  const size = { width: columns * (side + gap), height: rows * (side + gap) };
  await sharp({ create: { ...size, channels: 3, background: "#fff" } })
    .composite(await Promise.all(tiles))
    .png({ compressionLevel: 9, palette: true })
    .toFile(file);
}

async function evaluate(folder, model, file, seeds = 1, steps = 20, cfg = 5) {
  const answers = [];
  const drawn = [];
  try {
    for (const { prompt, colour: asked, natural, drawnBy } of await questionsOf(folder)) {
      const [width, height] = [128, 128];
      for await (const event of generate({ model, prompt, width, height, steps, cfg, count: seeds, seed: 0 })) {
        if (event.type !== "picture") continue;
        const seen = dominantColour(event.image).name;
        answers.push({ asked, seen, natural, drawnBy, prompt, seed: event.seed });
        drawn.push({ path: event.png, right: seen === asked, asked });
      }
      if (answers.length % (20 * seeds) === 0) console.log(`${answers.length} pictures`);
    }
  } finally {
    await closeEngine();
  }
  tell("held-out pairs", answers);
  tell(
    "  of recoloured emoji",
    answers.filter(({ drawnBy }) => drawnBy === "recoloured"),
  );
  tell(
    "  of emoji as OpenMoji drew them",
    answers.filter(({ drawnBy }) => drawnBy === "openmoji"),
  );
  const own = answers.filter(({ natural, seen }) => natural !== null && seen === natural).length;
  console.log(`the emoji's own colour in place of the asked one: ${own}`);
  console.log(`chance, of ${COLOUR_NAMES.length} colours: ${percent(1 / COLOUR_NAMES.length)}`);
  tellColours(answers);
  const byColour = COLOUR_NAMES.flatMap((colour) => drawn.filter(({ asked }) => asked === colour));
  await writeSheet(file, byColour, 18);
  await writeFile(file.replace(/\.png$/, ".json"), `${JSON.stringify(answers, null, 1)}\n`);
}

const commands = { set: [set, 1], check: [check, 1], sheet: [sheet, 2], evaluate: [evaluate, 3] };
const [name, ...given] = process.argv.slice(2);
const [command, least] = commands[name] ?? [];
if (!command || given.length < least) {
  console.error("say set FOLDER, check FOLDER, sheet FOLDER FILE or evaluate FOLDER MODEL FILE");
  process.exit(2);
}
await command(
  ...given.map((argument) => (name === "evaluate" && /^[\d.]+$/.test(argument) ? Number(argument) : argument)),
);
