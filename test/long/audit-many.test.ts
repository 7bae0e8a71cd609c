/**
 * @file A hundred thousand images in one audit, killed once on the way: each is one row, with its own measures or the reason why there are
 * none, and the process that keeps the table needs no more memory for many than for some.
 */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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
  readonly memory: { readonly images: number; readonly mebibytes: number }[];
};

/** Runs the command, with its largest memory so far after each shard; kills it after so many shards. */
async function audited(killAfter = Number.POSITIVE_INFINITY): Promise<Ended> {
  const argv = [main, "audit", join(folder, "set"), "--out", join(folder, "audit"), "--json"];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const memory: Ended["memory"] = [];
  let shards = 0;
  let images = 0;
  for await (const line of createInterface(child.stdout)) {
    const event = JSON.parse(line);
    if (event.type === "progress") images = event.images;
    if (event.type !== "shard") continue;
    const status = await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => "");
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(status);
    if (peak) memory.push({ images, mebibytes: Number(peak[1]) / 1024 });
    if (++shards === killAfter) child.kill("SIGKILL");
  }
  return { code: await ended, memory };
}

test("each is one row, with its own measures or a reason, and memory does not grow with their number", async () => {
  expect((await audited(30)).code).toBe(null);
  const { code, memory } = await audited();
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
  // Over half of the images, rows that stayed would take 48 MiB and more, at a thousand bytes each. What may grow is 3 MiB of tags, for every
  // caption here is another, and the garbage of the largest moment: half of a row's thousand bytes is more than both, and less than any leak of rows.
  const early = memory.find(({ images }) => images >= IMAGES / 2)!;
  const bytesEach = (2 ** 20 * (memory.at(-1)!.mebibytes - early.mebibytes)) / (IMAGES - early.images);
  expect(bytesEach).toBeLessThan(500);
});
