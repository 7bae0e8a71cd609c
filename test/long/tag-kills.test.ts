/** @file The command killed outright, again and again, in the middle of tagging: each caption is the old or the new one, and none is lost. */

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { drawsOf } from "../../src/data/sets/index.ts";
import { rowsIn, writeAudit } from "../tasks/audited.ts";

const main = new URL("../../dist/cli/main.js", import.meta.url).pathname;
const SEED = Number(process.env.SEED ?? 1);
const KILLS = Number(process.env.ILLUSTRIOUS_TEST_KILLS ?? 30);
const CAPTIONS = 1500;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tag-kills-"));
  await mkdir(join(folder, "set"));
  for (let i = 0; i < CAPTIONS; i++) {
    await writeFile(join(folder, `set/${i}.png`), "");
    // Every tenth image has none.
    if (i % 10 !== 0) await writeFile(join(folder, `set/${i}.txt`), `1girl, number ${i}`);
  }
  await writeAudit(join(folder, "audit"), [join(folder, "set")], await rowsIn([join(folder, "set")]));
}, 240_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

type Captions = ReadonlyMap<string, string>;

async function captions(): Promise<Captions> {
  const names = (await readdir(join(folder, "set"))).filter((name) => name.endsWith(".txt")).sort();
  return new Map(
    await Promise.all(
      names.map(async (name) => [name, await readFile(join(folder, "set", name), "utf8")] as [string, string]),
    ),
  );
}

/**
 * Runs the command, and kills it a while after it has told of so many captions changed. Resolves with whether it came to its end.
 *
 * @param kill `wait` in milliseconds
 */
async function tagged(
  argv: readonly string[],
  kill?: { readonly changed: number; readonly wait: number },
): Promise<boolean> {
  const command = [main, "tag", join(folder, "audit"), ...argv, "--json"];
  const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "ignore"] });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  let asked = false;
  for await (const line of createInterface(child.stdout)) {
    // Death may come in the middle of a line.
    const changed = Number(/"changed":(\d+)/.exec(line)?.[1] ?? 0);
    if (!kill || asked || changed === 0 || changed < kill.changed) continue;
    asked = true;
    setTimeout(() => child.kill("SIGKILL"), kill.wait);
  }
  return (await ended) === 0;
}

test(`killed ${KILLS} times: each caption is whole, a last run ends as an undisturbed one, and undone all are as they were`, async () => {
  const write = ["--write", "sidecars"];
  const before = await captions();
  expect(await tagged(write)).toBe(true);
  const after = await captions();
  expect(after.size).toBe(CAPTIONS);
  await tagged(["--undo"]);
  expect(await captions()).toEqual(before);

  const draws = drawsOf(SEED, "caption", "kills");
  let kills = 0;
  let between = 0;
  for (let runs = 0; kills < KILLS; runs++) {
    expect(runs).toBeLessThan(4 * KILLS + 4);
    const missing = [...(await captions())].filter(([name, text]) => after.get(name) !== text).length;
    const done = await tagged(write, { changed: missing * draws.next(), wait: 200 * draws.next() });
    const now = await captions();
    for (const name of after.keys()) expect([before.get(name), after.get(name)], name).toContain(now.get(name));
    const differsFrom = (other: Captions) => [...now].some(([name, text]) => text !== other.get(name));
    if (!done) kills++;
    if (!done && differsFrom(before) && differsFrom(after)) between++;
    // Until it is through, then from the start.
    if (done || runs % 3 === 2) {
      expect(await tagged(write)).toBe(true);
      expect(await captions()).toEqual(after);
      expect(await tagged(["--undo"])).toBe(true);
      expect(await captions()).toEqual(before);
      const left = (await readdir(folder, { recursive: true })).filter(
        (name) => name.endsWith(".tmp") || name.endsWith("lock.json"),
      );
      expect(left).toEqual([]);
    }
  }
  // Otherwise the kills came too early or too late to prove anything.
  expect(between).toBeGreaterThan(KILLS / 6);
});
