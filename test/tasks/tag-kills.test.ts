/** @file The command `tag` killed a few times in the middle of whatever it writes; `test/long/` has the many times. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { killTagging, PLACES } from "./killed-tagging.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tag-kills-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

test.each(PLACES)(
  "killed in the middle of writing %s, the same command goes on to what an undisturbed one writes",
  async (place) => {
    const asked = { root: join(root, place), place, captions: 60, kills: 2, seed: Number(process.env.SEED ?? 1) };
    expect((await killTagging(asked)).kills).toBe(2);
  },
  120_000,
);
