/**
 * @file Twenty pictures of an audited set, drawn by lot, above the control tokens that `illustrious tag` would give them: to be looked at. Needs
 * `npm run build`, and a set without captions. See docs/tagging.md.
 *
 *     node scripts/tags-by-eye.mjs AUDIT SHEET.png
 */

import { execFileSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { drawsOf } from "../dist/data/sets/index.js";

const [audit, sheet] = process.argv.slice(2);
if (!sheet) {
  console.error("say AUDIT SHEET.png");
  process.exit(2);
}
const [COLUMNS, ROWS, WIDTH, HEIGHT, WORDS] = [4, 5, 300, 225, 70];

const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const told = execFileSync(process.execPath, [main, "tag", audit, "--show", "10000"], {
  encoding: "utf8",
  maxBuffer: 2 ** 28,
});
const tagged = [...told.matchAll(/^(.+)\.txt \(new\)\n\s+\+ (.+)$/gm)].map(([, stem, tokens]) => ({ stem, tokens }));

const draws = drawsOf(20, "order", "tags by eye");
const lot = [];
while (lot.length < Math.min(COLUMNS * ROWS, tagged.length)) {
  lot.push(...tagged.splice(Math.floor(draws.next() * tagged.length), 1));
}
const tiles = lot.map(async ({ stem, tokens }, i) => {
  const names = await readdir(dirname(stem));
  const picture = join(
    dirname(stem),
    names.find((name) => name.startsWith(`${basename(stem)}.`)),
  );
  const [left, top] = [(i % COLUMNS) * WIDTH, Math.floor(i / COLUMNS) * (HEIGHT + WORDS)];
  const shown = sharp(picture)
    .flatten({ background: "#fff" })
    .resize(WIDTH, HEIGHT, { fit: "contain", background: "#bbb" });
  const words = tokens.split(", ");
  const lines = [words.slice(0, 2), words.slice(2, 4), words.slice(4)].map(
    (some, row) => `<text x="4" y="${18 + 20 * row}" font-size="13" font-family="sans-serif">${some.join(", ")}</text>`,
  );
  const text = `<svg width="${WIDTH}" height="${WORDS}"><rect width="100%" height="100%" fill="#fff"/>${lines.join("")}</svg>`;
  return [
    { input: await shown.png().toBuffer(), left, top },
    { input: Buffer.from(text), left, top: top + HEIGHT },
  ];
});
await sharp({ create: { width: COLUMNS * WIDTH, height: ROWS * (HEIGHT + WORDS), channels: 3, background: "#999" } })
  .composite((await Promise.all(tiles)).flat())
  .png()
  .toFile(sheet);
