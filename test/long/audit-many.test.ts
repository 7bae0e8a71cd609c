/**
 * @file A hundred thousand images in one audit, killed once on the way: each is one row, with its own measures or the reason why there are
 * none, and the process that keeps the table holds no more for many than for some.
 */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { measureColours } from "../../src/colour/index.ts";
import { finishedTable, readShard } from "../../src/data/audit/index.ts";

const main = new URL("../../dist/cli/main.js", import.meta.url).pathname;
const IMAGES = 100_000;
const A_FOLDER = 2000;
const SIDE = 24;
/** Every so many-th file is cut short, and every so many-th image is looked at again. */
const BROKEN = 1000;
const CHECKED = 97;

const pixels = (i: number) =>
  createHash("shake256", { outputLength: 3 * SIDE * SIDE })
    .update(String(i))
    .digest();
const pathOf = (i: number) =>
  join(folder, "set", String(Math.floor(i / A_FOLDER)).padStart(3, "0"), `${String(i).padStart(6, "0")}.png`);
const isBroken = (i: number) => i % BROKEN === BROKEN - 1;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-many-"));
  for (let first = 0; first < IMAGES; first += A_FOLDER) {
    await mkdir(join(pathOf(first), ".."), { recursive: true });
    await Promise.all(Array.from({ length: A_FOLDER }, (_, k) => write(first + k)));
  }
}, 1800_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(i: number): Promise<void> {
  const raw = { width: SIDE, height: SIDE, channels: 3 } as const;
  const png = await sharp(pixels(i), { raw }).png({ compressionLevel: 0 }).toBuffer();
  await writeFile(pathOf(i), isBroken(i) ? png.subarray(0, 200) : png);
  if (i % 3 === 0) await writeFile(pathOf(i).replace(".png", ".txt"), `picture ${i}`);
}

type Ended = {
  readonly code: number | null;
  /** Bytes that the engine's garbage collector found in use, and how many images had been told of by then. */
  readonly heap: { readonly images: number; readonly bytes: number }[];
};

/** Runs the command; kills it after so many shards. */
async function audited(killAfter = Number.POSITIVE_INFINITY): Promise<Ended> {
  const traced = ["--trace-gc", "--trace-gc-nvp"];
  const argv = [...traced, main, "audit", join(folder, "set"), "--out", join(folder, "audit"), "--json"];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const heap: Ended["heap"] = [];
  let shards = 0;
  let images = 0;
  for await (const line of createInterface(child.stdout)) {
    // A full collection: what is left is in use.
    const bytes = / gc=mc .* total_size_after=(\d+) /.exec(line)?.[1];
    if (bytes) heap.push({ images, bytes: Number(bytes) });
    if (!line.startsWith("{")) continue;
    const event = JSON.parse(line);
    if (event.type === "progress") images = event.images;
    if (event.type === "shard" && ++shards === killAfter) child.kill("SIGKILL");
  }
  return { code: await ended, heap };
}

test("each is one row, with its own measures or a reason, and memory does not grow with their number", async () => {
  expect((await audited(30)).code).toBe(null);
  const { code, heap } = await audited();
  expect(code).toBe(0);
  const { manifest, shards } = await finishedTable(join(folder, "audit"));
  expect(manifest).toMatchObject({ images: IMAGES, errors: IMAGES / BROKEN });
  let i = 0;
  for (const shard of shards) {
    for (const row of await readShard(shard)) {
      expect(row.source).toBe(pathOf(i));
      expect(row.caption).toBe(i % 3 === 0 ? `picture ${i}` : null);
      expect(row.error !== null).toBe(isBroken(i));
      if (i % CHECKED === 0 && !isBroken(i)) {
        const { brightness, saturation, contrast } = measureColours({ width: SIDE, height: SIDE, rgb: pixels(i) });
        expect(row).toMatchObject({ brightness, saturation, contrast });
      }
      i++;
    }
  }
  expect(i).toBe(IMAGES);
  // Rows that stayed would take a thousand bytes each. What may grow is 3 MiB of tags, 30 bytes an image, for every caption here is another; and
  // what a full collection finds in use differs by a few MiB with the moment, so the most of one time is held against the most of another.
  const most = (from: number, to: number) =>
    Math.max(...heap.filter(({ images }) => images >= from * IMAGES && images < to * IMAGES).map(({ bytes }) => bytes));
  expect((most(0.75, 1) - most(0.25, 0.5)) / (IMAGES / 2)).toBeLessThan(250);
});
