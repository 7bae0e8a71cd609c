/** @file The command killed outright, again and again, in the middle of an audit: nothing is lost, nothing is left over. */

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeSceneSet } from "../../src/data/scenes/index.ts";
import { drawsOf } from "../../src/data/sets/index.ts";
import { filesOf } from "../audit/files-of.ts";

const main = new URL("../../dist/cli/main.js", import.meta.url).pathname;
const SEED = Number(process.env.SEED ?? 1);
const KILLS = Number(process.env.ILLUSTRIOUS_TEST_KILLS ?? 30);

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-kills-"));
  await mkdir(join(folder, "set"));
  for await (const _ of writeSceneSet(join(folder, "set"), { count: 60, size: 96, captions: 1 }));
  expect(await audited(join(folder, "whole"))).toBe(true);
}, 240_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the command, and kills it a while after it has told of so many shards. Resolves with whether it came to its end. */
async function audited(out: string, kill?: { readonly after: number; readonly wait: number }): Promise<boolean> {
  const argv = [main, "audit", join(folder, "set"), "--out", out, "--shard", "4", "--workers", "2", "--json"];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "ignore"] });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  let shards = 0;
  for await (const line of createInterface(child.stdout)) {
    if (JSON.parse(line).type !== "shard" || !kill || ++shards !== kill.after) continue;
    setTimeout(() => child.kill("SIGKILL"), kill.wait);
  }
  const code = await ended;
  if (code !== 0) expect(child.signalCode).toBe("SIGKILL");
  return code === 0;
}

test(`killed ${KILLS} times: each audit ends with the files of an undisturbed one, and no others`, async () => {
  const draws = drawsOf(SEED, "caption", "kills");
  let kills = 0;
  for (let round = 1; kills < KILLS; round++) {
    // Otherwise the kills come too late to prove anything.
    expect(round).toBeLessThanOrEqual(1 + KILLS / 3);
    const out = join(folder, `killed-${round}`);
    // Later runs find shards done, so kills come later too, until one comes too late.
    for (let n = 0; n < 6 && kills < KILLS; n++) {
      const done = await audited(out, { after: 1 + n * 2, wait: 60 * draws.next() });
      if (done) break;
      kills++;
    }
    expect(await audited(out)).toBe(true);
    expect(await filesOf(out)).toEqual(await filesOf(join(folder, "whole")));
  }
});
