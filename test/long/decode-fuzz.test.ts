/** @file Damaged pictures by the ten thousand, and decoders that crash among as many: what a set of strangers does to an audit. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readShard, shardPath } from "../../src/data/audit/index.ts";
import { audit } from "../../src/index.ts";
import { pngOfSize } from "../tasks/hostile-pictures.ts";
import { fuzzDecoder } from "../tasks/watched-decoder.ts";

const SEED = Number(process.env.SEED ?? 1);
const CASES = Number(process.env.CASES ?? 14_000);
const IMAGES = 10_000;
const CRASHES = 100;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "decode-fuzz-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test(`${CASES} damaged files of every format: none ends its decoder, keeps it, or fills its memory`, async () => {
  const counts = await fuzzDecoder(CASES, SEED);
  console.log(`SEED=${SEED}: measured all the same, of all`, Object.fromEntries(counts));
  expect([...counts.values()].reduce((sum, [, of]) => sum + of, 0)).toBe(CASES);
});

test(`${CRASHES} crashes while decoding, among ${IMAGES} images: those have an error, all others their measures`, async () => {
  const set = join(folder, "set");
  const out = join(folder, "out");
  await mkdir(set);
  const crashes = (i: number) => i % (IMAGES / CRASHES) === 7;
  const names = Array.from({ length: IMAGES }, (_, i) => `${crashes(i) ? "abort" : "fine"}-${i}.png`);
  for (const name of names) await writeFile(join(set, name), pngOfSize(8, 8));
  const entry = new URL("../tasks/poisoned-decoder.mjs", import.meta.url);
  for await (const _ of audit({ paths: [set], out, workers: 2, shard: IMAGES, workingSide: 32 }, { entry }));
  const rows = await readShard(shardPath(join(out, "table"), 0));
  expect(rows).toHaveLength(IMAGES);
  for (const { source, error, format, contrast } of rows) {
    const isCrash = source.includes("abort-");
    // What was known before the crash is kept.
    expect([source, error, format, contrast === null]).toEqual([source, isCrash ? "crashed" : null, "png", isCrash]);
  }
  expect(rows.filter(({ error }) => error === "crashed")).toHaveLength(CRASHES);
});
