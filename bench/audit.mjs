/**
 * @file `illustrious audit` beside decoding alone, and beside a straightforward script with Pillow and numpy that measures the same, with as many
 * processes: images a second, the ratios, and how far the two that measure differ.
 *
 *     node bench/audit.mjs [--python python3] [--images 200] [--side 1024] [--rounds 3] [--processes 2] [--pictures FOLDER]
 *
 * The pictures are JPEGs of drawn scenes and of scenes with grain, in turn; with --pictures, the JPEGs of a folder. The sides take turns, and all
 * times are those of whole commands less their start with one picture. Without --python there is no script beside it.
 */

import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { renderScene, sceneAt } from "../dist/data/scenes/index.js";
import { generator } from "./random.mjs";

const { values } = parseArgs({
  options: {
    python: { type: "string" },
    images: { type: "string", default: "200" },
    side: { type: "string", default: "1024" },
    rounds: { type: "string", default: "3" },
    processes: { type: "string", default: "2" },
    pictures: { type: "string" },
  },
});
const root = fileURLToPath(new URL("..", import.meta.url));
const [images, side, rounds] = [values.images, values.side, values.rounds].map(Number);
const work = await mkdtemp(join(tmpdir(), "bench-audit-"));

/** Every second picture has grain, which costs a decoder three times as much. */
async function draw(folder) {
  const next = generator();
  for (let i = 0; i < images; i++) {
    const { rgb } = await renderScene(sceneAt(i), side);
    if (i % 2 === 1) {
      for (let at = 0; at < rgb.length; at++) {
        rgb[at] = Math.min(255, Math.max(0, rgb[at] + (next() >>> 27) - 16));
      }
    }
    const picture = sharp(Buffer.from(rgb), { raw: { width: side, height: side, channels: 3 } });
    await picture.jpeg({ quality: 90 }).toFile(join(folder, `${String(i).padStart(5, "0")}.jpg`));
  }
}

const all = join(work, "all");
const one = join(work, "one");
await mkdir(all);
await mkdir(one);
if (values.pictures) {
  for (const name of await readdir(values.pictures)) {
    if (/\.jpe?g$/i.test(name)) await cp(join(values.pictures, name), join(all, name.replace(/\.jpe?g$/i, ".jpg")));
  }
} else await draw(all);
const names = (await readdir(all)).sort();
await cp(join(all, names[0]), join(one, names[0]));

function seconds(command, args) {
  const began = performance.now();
  execFileSync(command, args, { stdio: ["ignore", "ignore", "inherit"] });
  return (performance.now() - began) / 1000;
}

let run = 0;
const ours = (folder) => {
  const out = join(work, `audit-${run++}`);
  return {
    seconds: seconds(process.execPath, [
      join(root, "dist/cli/main.js"),
      "audit",
      folder,
      "--out",
      out,
      "--workers",
      values.processes,
    ]),
    out,
  };
};
const peer = (folder) => {
  const out = join(work, `rows-${run++}.jsonl`);
  const script = join(root, "bench/peers/audit-pillow.py");
  return { seconds: seconds(values.python, [script, folder, values.processes, out]), out };
};

const decoding = (folder) => ({
  seconds: seconds(process.execPath, [join(root, "bench/decode-alone.mjs"), folder, values.processes]),
});

const middle = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const shown = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b);
  return [sorted[0], middle(numbers), sorted.at(-1)].map((x) => x.toFixed(1)).join(" / ");
};

try {
  const sides = { ours, decoding, ...(values.python && { peer }) };
  const rates = { ours: [], decoding: [], peer: [] };
  let last;
  for (let round = 0; round < rounds; round++) {
    last = Object.fromEntries(Object.entries(sides).map(([name, run]) => [name, run(all)]));
    for (const [name, run] of Object.entries(sides)) {
      rates[name].push((names.length - 1) / (last[name].seconds - run(one).seconds));
    }
  }
  console.log(`${names.length} JPEGs, ${values.processes} processes; images a second, least / median / most`);
  console.log(`illustrious audit   ${shown(rates.ours)}`);
  console.log(`decoding alone      ${shown(rates.decoding)}`);
  console.log(`time of decodings   ${(middle(rates.decoding) / middle(rates.ours)).toFixed(2)}`);
  if (values.python) {
    console.log(`Pillow and numpy    ${shown(rates.peer)}`);
    console.log(`ratio of medians    ${(middle(rates.ours) / middle(rates.peer)).toFixed(2)}`);
    await compare(last.ours.out, last.peer.out);
  }
} finally {
  await rm(work, { recursive: true, force: true });
}

/** The largest difference of each measure, as a share of its largest value. */
async function compare(audit, rows) {
  const asked = [join(root, "dist/cli/main.js"), "audit", "sql", audit, "select * from images", "--json"];
  const text = execFileSync(process.execPath, asked, { maxBuffer: 2 ** 30, stdio: ["ignore", "pipe", "ignore"] });
  const parsed = text.toString().trim().split("\n").map(JSON.parse);
  const mine = new Map(parsed.map((row) => [basename(row.source), row]));
  const worst = {};
  for (const line of (await readFile(rows, "utf8")).trim().split("\n")) {
    const theirs = JSON.parse(line);
    for (const [name, value] of Object.entries(theirs)) {
      const own = mine.get(theirs.name)[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
      if (typeof value !== "number" || typeof own !== "number") continue;
      worst[name] ??= { difference: 0, largest: 0 };
      worst[name].difference = Math.max(worst[name].difference, Math.abs(value - own));
      worst[name].largest = Math.max(worst[name].largest, Math.abs(value));
    }
  }
  console.log(`of ${mine.size} images, largest difference over largest value:`);
  for (const [name, { difference, largest }] of Object.entries(worst)) {
    console.log(`  ${name.padEnd(20)}${(difference / (largest || 1)).toExponential(1)}`);
  }
}
