/** @file Lines of a file: where they end, and how long they may be. */

import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { linesOf } from "./lines.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lines-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function lines(text: string, limit?: number): Promise<[string, number][]> {
  const path = join(folder, "lines");
  await writeFile(path, text);
  const file = await open(path);
  try {
    const found: [string, number][] = [];
    for await (const { bytes, at } of linesOf(file, path, limit)) found.push([bytes.toString("utf8"), at]);
    return found;
  } finally {
    await file.close();
  }
}

test("a line ends where its line feed is, whatever else it has", async () => {
  expect(await lines("a\u2028b\rc\r\n\nlast")).toEqual([
    ["a\u2028b\rc\r\n", 0],
    ["\n", 9],
    ["last", 10],
  ]);
});

test("lines of all lengths, over the ends of what is read at once", async () => {
  const texts = [2 ** 18 - 1, 1, 2 ** 18, 3 * 2 ** 18 + 5, 0].map((length, i) => `${"abcde"[i]!.repeat(length)}\n`);
  expect((await lines(texts.join(""))).map(([text]) => text)).toEqual(texts);
});

test("a line that is too long ends it", async () => {
  await expect(lines(`a\n${"b".repeat(2 ** 19)}`, 2 ** 18)).rejects.toMatchObject({ code: "bad_file" });
});
