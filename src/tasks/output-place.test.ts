/** @file Places where nothing can be written are told before the work, and places where something can are left alone. */

import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkFile, checkFolder, makeFolder } from "./output-place.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "place-"));
  await writeFile(join(folder, "file"), "");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const refused = (hint: string | RegExp, ...words: string[]) => ({
  code: "write_failed",
  message: expect.stringContaining(words.join("")),
  hint: expect.stringMatching(hint),
});

test("a place that is good is not touched by asking", async () => {
  await checkFolder(folder);
  await checkFolder(join(folder, "new/deep"));
  await checkFile(join(folder, "file"));
  await checkFile(join(folder, "new/deep/picture.png"));
  expect(await readdir(folder)).toEqual(["file"]);
});

test("folders are made, step by step, by two at once as well", async () => {
  const path = join(folder, "new/deep/deeper");
  await Promise.all([makeFolder(path), makeFolder(path)]);
  await makeFolder(path);
  expect(await readdir(join(folder, "new/deep"))).toEqual(["deeper"]);
});

test.each(["file", "file/x", "file/x/y"])("a file stands in the way of the folder %s", async (path) => {
  const error = refused(
    /rename that file/,
    join(folder, path),
    ": cannot be written (",
    join(folder, "file"),
    " is a file)",
  );
  await expect(checkFolder(join(folder, path))).rejects.toMatchObject(error);
  await expect(makeFolder(join(folder, path))).rejects.toMatchObject(error);
  await expect(checkFile(join(folder, path, "a.png"))).rejects.toMatchObject({ code: "write_failed" });
});

test("a folder has the file's name", async () => {
  await mkdir(join(folder, "dir.png"));
  await expect(checkFile(join(folder, "dir.png"))).rejects.toMatchObject(
    refused(/Name a file in it/, "it is a folder"),
  );
});

test.runIf(process.platform !== "win32")("a pipe or a device would be replaced by a file", async () => {
  const pipe = join(folder, "pipe.png");
  execFileSync("mkfifo", [pipe]);
  await symlink("/dev/null", join(folder, "null.png"));
  for (const path of [pipe, join(folder, "null.png"), "/dev/null"]) {
    await expect(checkFile(path)).rejects.toMatchObject(refused(/Name a file/, `${path}: cannot`));
  }
});

test("a link is written through, also to where nothing is yet", async () => {
  const real = await realpath(folder);
  await mkdir(join(folder, "far/deep"), { recursive: true });
  await symlink("far/deep/new.png", join(folder, "one.png"));
  await symlink("one.png", join(folder, "two.png"));
  await symlink("far/deep", join(folder, "short"));
  // From where the link's folder really lies, ".." is `far`.
  await symlink("../up.png", join(folder, "far/deep/up.png"));
  expect(await checkFile(join(folder, "two.png"))).toBe(join(real, "far/deep/new.png"));
  expect(await checkFile(join(folder, "short/up.png"))).toBe(join(real, "far/up.png"));
  expect(await checkFile(join(folder, "file"))).toBe(join(real, "file"));
  await symlink("/proc/x.png", join(folder, "bad.png"));
  await symlink("round.png", join(folder, "round.png"));
  for (const name of ["bad.png", "round.png"]) {
    await expect(checkFile(join(folder, name))).rejects.toMatchObject({ code: "write_failed" });
  }
});

test("a name too long, and a link in a circle", async () => {
  await expect(checkFolder(join(folder, "x".repeat(300)))).rejects.toMatchObject(refused(/shorter/, "xxx"));
  await symlink(join(folder, "circle"), join(folder, "circle"));
  await expect(checkFolder(join(folder, "circle/x"))).rejects.toMatchObject(refused(/another/, "circle"));
});

// Node's recursive mkdir never returns here.
test.runIf(process.platform === "linux")("/proc takes no folders", { timeout: 5000 }, async () => {
  for (const path of ["/proc", "/proc/foo", "/proc/foo/bar"]) {
    await expect(checkFolder(path)).rejects.toMatchObject(refused(/choose another/i, path));
  }
  await expect(makeFolder("/proc/foo/bar")).rejects.toMatchObject(refused(/choose another/i, "/proc/foo/bar"));
});

// Permissions do not bind the superuser.
test.runIf(process.platform !== "win32" && process.getuid?.() !== 0)("a folder that others own", async () => {
  await chmod(folder, 0o500);
  await expect(checkFolder(join(folder, "x"))).rejects.toMatchObject(refused(/permissions/, "EACCES"));
  await chmod(folder, 0o700);
});
