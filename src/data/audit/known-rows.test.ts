/** @file Rows of earlier runs: found again, also where other rows come in their place. */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { auditRow } from "../../../test/audit/lay-audit.ts";
import { openKnownRows } from "./known-rows.ts";
import { shardNumbers, shardPath, writeShard } from "./shards.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "known-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const rows = Array.from({ length: 60 }, (_, i) => auditRow(i));
const SHARD = 5;

test("new files before all others in the order cost no row of a run that was killed", async () => {
  const [next, aside] = [join(root, "next"), join(root, "aside")];
  await mkdir(next);
  const earlier = rows.slice(30);
  for (let i = 0; i < 6; i++) await writeShard(next, i, earlier.slice(SHARD * i, SHARD * (i + 1)), 768);
  const known = await openKnownRows(
    [0, 1, 2, 3, 4, 5].map((i) => shardPath(next, i)),
    aside,
  );
  // Thirty new images first: each shard takes the place of one that has not been asked for.
  for (let i = 0; i < 12; i++) {
    const own = rows.slice(SHARD * i, SHARD * (i + 1));
    for (const row of own)
      expect((await known.find(row))?.source, row.source).toBe(row.id < 30 ? undefined : row.source);
    await known.replace(shardPath(next, i), own);
    await writeShard(next, i, own, 768);
  }
  expect(await shardNumbers(aside)).toEqual([0, 1, 2, 3, 4, 5]);
});

test("a shard that comes again with the same rows, or with more, is not kept aside", async () => {
  const [next, aside] = [join(root, "same"), join(root, "none")];
  await mkdir(next);
  await writeShard(next, 0, rows.slice(0, 4), 768);
  const known = await openKnownRows([shardPath(next, 0)], aside);
  for (const row of rows.slice(0, 5)) await known.find(row);
  await known.replace(shardPath(next, 0), rows.slice(0, 5));
  expect(await shardNumbers(aside).catch(() => [])).toEqual([]);
});
