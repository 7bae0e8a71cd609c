/** @file The folder of pictures: numbers count on from what is there, and what killed processes left is cleared away. */

import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openPictureFolder } from "./picture-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pictures-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("counting on from what is there, pictures and sheets alike", async () => {
  for (const name of ["00003-7.png", "grid-00011.png", "99-1.png", "notes.txt"])
    await writeFile(join(folder, name), "");
  const { picture, sheet } = await openPictureFolder(folder);
  expect(await picture(5, Uint8Array.of(1))).toBe(join(folder, "00012-5.png"));
  expect(await sheet(Uint8Array.of(2))).toBe(join(folder, "grid-00013.png"));
});

test("two writers at one time: every picture is there, under the name that was told", async () => {
  const writers = await Promise.all([openPictureFolder(folder), openPictureFolder(folder)]);
  const written = writers.map(async ({ picture, sheet }, writer) => {
    const paths: string[] = [];
    for (let i = 0; i < 5; i++) paths.push(await picture(1, Uint8Array.of(writer, i)));
    return [...paths, await sheet(Uint8Array.of(writer, 5))];
  });
  const told = await Promise.all(written);
  const names = await readdir(folder);
  expect(names).toHaveLength(12);
  expect(names.map((name) => join(folder, name)).sort()).toEqual(told.flat().sort());
  for (const [writer, paths] of told.entries()) {
    for (const [i, path] of paths.entries()) expect([...(await readFile(path))]).toEqual([writer, i]);
  }
});

test("half-written files of long ago are gone, others stay", async () => {
  const stray = ".00000-1.png.ffffffff-1-0123456789ab.tmp";
  const fresh = ".00001-1.png.ffffffff-1-0123456789ab.tmp";
  for (const name of [stray, fresh, "mine.tmp"]) await writeFile(join(folder, name), "");
  const twoDaysAgo = Date.now() / 1000 - 2 * 24 * 3600;
  for (const name of [stray, "mine.tmp"]) await utimes(join(folder, name), twoDaysAgo, twoDaysAgo);
  await openPictureFolder(folder);
  expect((await readdir(folder)).sort()).toEqual([fresh, "mine.tmp"]);
});

test("a folder that cannot be is said so", async () => {
  await writeFile(join(folder, "file"), "");
  await expect(openPictureFolder(join(folder, "file/x"))).rejects.toMatchObject({ code: "write_failed" });
});
