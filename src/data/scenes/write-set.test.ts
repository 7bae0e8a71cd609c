import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CONTROL_FAMILIES } from "../../colour/index.ts";
import { writeSceneSet } from "./write-set.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "scene-set-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const TOKENS: readonly string[] = Object.values(CONTROL_FAMILIES).flat();

/** The tokens that each caption of a set tells. */
async function toldIn(tones: "some" | "all"): Promise<number[]> {
  const folder = join(root, tones);
  for await (const _ of writeSceneSet(folder, { count: 12, size: 64, tones }));
  const files = (await readdir(folder)).filter((name) => name.endsWith(".txt"));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
  const parts = texts.flatMap((text) => text.trimEnd().split("\n")).map((line) => line.split(/, |\. |(?<=\.)$/));
  return parts.map((words) => words.filter((word) => TOKENS.includes(word)).length);
}

test("of a set with tones, each caption tells a token; else some do", async () => {
  const always = await toldIn("all");
  expect(always).toHaveLength(96);
  expect(Math.min(...always)).toBeGreaterThanOrEqual(1);
  // A third of the captions of plain scenes have none, and of scenes with a tone those few besides whose tokens are all middle ones.
  const some = await toldIn("some");
  expect(some.filter((count) => count === 0).length).toBeGreaterThan(8);
  expect(some.filter((count) => count > 0).length).toBeGreaterThan(40);
});
