/** @file The command `tag` killed outright, again and again, whatever it writes: what stands there is the old or the new, and none is lost. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { killTagging, PLACES } from "../tasks/killed-tagging.ts";

const SEED = Number(process.env.SEED ?? 1);
const KILLS = Number(process.env.ILLUSTRIOUS_TEST_KILLS ?? 30);

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tag-kills-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

test.each(PLACES)(`${KILLS} kills while it writes %s`, async (place) => {
  const began = performance.now();
  const told = await killTagging({ root: join(root, place), place, captions: 400, kills: KILLS, seed: SEED });
  const seconds = Math.round((performance.now() - began) / 1000);
  process.stdout.write(`${place}: ${told.kills} kills, ${told.between} of them in the middle, ${seconds} s\n`);
  // Otherwise they came too early or too late to prove anything.
  expect(told.between).toBeGreaterThan(KILLS / 6);
});
