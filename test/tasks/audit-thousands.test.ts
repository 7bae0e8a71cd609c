/**
 * @file Two thousand synthetic pictures of many kinds in one audit, some of them broken, stopped in the middle and gone on with: each is
 * one row, and the table that of an audit which nobody disturbed. A hundred thousand are `test/long/audit-many.test.ts`.
 */

import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { measureColours } from "../../src/colour/index.ts";
import { finishedTable, readShard } from "../../src/data/audit/index.ts";
import { audit } from "../../src/index.ts";
import { filesOf } from "../audit/files-of.ts";

const entry = new URL("../../dist/tasks/audit/decoder-main.js", import.meta.url);
const IMAGES = 2000;
const A_FOLDER = 200;
const SIDE = 32;
const ENDINGS = ["png", "jpeg", "webp"] as const;
/** Every so many-th file is cut short, and every so many-th PNG is measured again. */
const BROKEN = 50;
const CHECKED = 97;

/** A ground that tells a picture from all others, with a shape on it and some grain. */
function pixels(i: number): Buffer {
  const [r, g, b, x, y, ...grain] = createHash("shake256", { outputLength: 5 + SIDE })
    .update(String(i))
    .digest();
  const rgb = Buffer.alloc(3 * SIDE * SIDE);
  for (let at = 0; at < SIDE * SIDE; at++) {
    const [column, row] = [at % SIDE, Math.floor(at / SIDE)];
    const inside = Math.abs(column - (x! % SIDE)) < 6 && Math.abs(row - (y! % SIDE)) < 6;
    const noise = grain[(column * 7 + row) % SIDE]! >> 4;
    rgb.set(inside ? [b! ^ noise, r!, g!] : [r!, g! ^ noise, b!], 3 * at);
  }
  return rgb;
}

const endingOf = (i: number) => ENDINGS[i % ENDINGS.length]!;
const isBroken = (i: number) => i % BROKEN === BROKEN - 1;
const pathOf = (i: number) =>
  join(root, "set", String(Math.floor(i / A_FOLDER)), `${String(i).padStart(4, "0")}.${endingOf(i)}`);

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "audit-thousands-"));
  for (let first = 0; first < IMAGES; first += A_FOLDER) {
    await mkdir(join(pathOf(first), ".."), { recursive: true });
    await Promise.all(Array.from({ length: A_FOLDER }, (_, k) => write(first + k)));
  }
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

async function write(i: number): Promise<void> {
  const picture = sharp(pixels(i), { raw: { width: SIDE, height: SIDE, channels: 3 } });
  const bytes = await picture.toFormat(endingOf(i)).toBuffer();
  await writeFile(pathOf(i), isBroken(i) ? bytes.subarray(0, bytes.length / 2) : bytes);
  if (i % 3 === 0) await writeFile(pathOf(i).replace(/\w+$/, "txt"), `picture ${i}`);
}

/** @param stopAt images after which it is stopped */
async function audited(name: string, stopAt = Number.POSITIVE_INFINITY): Promise<void> {
  const stop = new AbortController();
  const input = { paths: [join(root, "set")], out: join(root, name), workers: 2, shard: 64 };
  for await (const event of audit(input, { entry, signal: stop.signal })) {
    if (event.type === "progress" && event.images >= stopAt) stop.abort();
  }
}

test("each is one row, with its own measures or a reason; stopped in the middle, the table is the same", async () => {
  await audited("whole");
  const { manifest, shards } = await finishedTable(join(root, "whole"));
  expect(manifest).toMatchObject({ images: IMAGES, errors: IMAGES / BROKEN });
  const rows = (await Promise.all(shards.map(readShard))).flat();
  expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: IMAGES }, (_, i) => i));
  expect(rows.map(({ source }) => source)).toEqual(Array.from({ length: IMAGES }, (_, i) => pathOf(i)));
  for (const [i, row] of rows.entries()) {
    expect(row.caption).toBe(i % 3 === 0 ? `picture ${i}` : null);
    expect(row.error !== null).toBe(isBroken(i));
    if (endingOf(i) !== "png" || isBroken(i) || i % CHECKED !== 0) continue;
    const { brightness, saturation, contrast } = measureColours({ width: SIDE, height: SIDE, rgb: pixels(i) });
    expect(row).toMatchObject({ brightness, saturation, contrast });
  }

  await expect(audited("stopped", IMAGES / 2)).rejects.toMatchObject({ code: "cancelled" });
  await audited("stopped");
  expect(await filesOf(join(root, "stopped"))).toEqual(await filesOf(join(root, "whole")));
}, 240_000);
