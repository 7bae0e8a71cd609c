/** @file Copies of a set and of its archives with tokens in them: what is in them, and that the set is as it was, whatever happens. */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { rowsIn, writeAudit } from "../../../test/tasks/audited.ts";
import { dyingAfter, unflushed } from "../../../test/tasks/dying-calls.ts";
import { NO_FACTS, placesIn, samplesIn } from "../../data/audit/index.ts";
import type { FileCalls } from "../../formats/atomic-write.ts";
import type { TagEvent } from "./events.ts";
import type { TagInput } from "./options.ts";
import { runTag } from "./run.ts";

let root = "";
let set = "";
let out = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "copies-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));
let round = 0;
beforeEach(() => {
  set = join(root, `${++round}/set`);
  out = join(root, `${round}/out`);
});

const audit = () => join(dirname(set), "audit");

async function lay(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(set, name)), { recursive: true });
    await writeFile(join(set, name), content);
  }
}

async function audited(...paths: string[]): Promise<void> {
  const all = paths.length === 0 ? [set] : paths;
  await rm(audit(), { recursive: true, force: true });
  await writeAudit(audit(), all, await rowsIn(all));
}

const BRIGHT = { families: ["brightness"], name: "mine" };

async function tag(input: Omit<TagInput, "audit">, calls: FileCalls = unflushed): Promise<TagEvent[]> {
  const events: TagEvent[] = [];
  for await (const event of runTag({ audit: audit(), ...input }, {}, calls)) events.push(event);
  return events;
}

const done = (events: readonly TagEvent[]) => events.at(-1) as Extract<TagEvent, { type: "done" }>;

/** Every file below a folder: its content's hash. */
async function tree(folder: string): Promise<Record<string, string>> {
  const found = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => !one.isDirectory());
  const paths = found.map(({ parentPath, name }) => join(parentPath, name)).sort();
  const hash = async (path: string) =>
    createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
  return Object.fromEntries(await Promise.all(paths.map(async (path) => [relative(folder, path), await hash(path)])));
}

/** Captions by the images' names, as the audit reads them. */
async function captionsIn(folder: string): Promise<Record<string, string | null>> {
  const found: Record<string, string | null> = {};
  for await (const { origin, fault } of samplesIn(placesIn([folder]))) {
    found[relative(folder, origin.source) + (origin.member === null ? "" : `:${origin.member}`)] =
      fault?.errorText ?? origin.caption;
  }
  return found;
}

const text = (name: string) => readFile(join(out, name), "utf8");

async function packed(members: readonly (readonly [string, string])[]): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of members) archive.entry({ name, mtime: new Date(1e12) }, content);
  archive.finalize();
  const pieces: Buffer[] = [];
  for await (const piece of archive) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

async function laySet(): Promise<void> {
  await lay({
    "a.png": "image a",
    "a.txt": "1girl",
    "a.webp": "image a, too",
    "b.png": "image b",
    "d.png": "image d",
    "d.txt": Uint8Array.of(0xff),
    "10_sks girl/c.png": "image c",
    "m/metadata.jsonl": `{"file_name": "x.png", "text": "x"}\n{"file_name": "../../far/y.png", "text": "y"}\n`,
    "m/x.png": "image x",
    "../far/y.png": "image y",
    "t.tar": await packed([
      ["1.png", "one"],
      ["1.txt", "first"],
      ["2.png", "two"],
    ]),
  });
  await audited();
}

test("a copy has images as links, captions with tokens, metadata and archives; the set is as it was", async () => {
  await laySet();
  const before = await tree(dirname(set));
  const events = await tag({ ...BRIGHT, write: "copy", out });
  expect(done(events)).toMatchObject({ images: 9, changed: 7, created: 3, left: { shared: 1, unreadable: 1 }, out });
  for (const [name, hash] of Object.entries(before)) {
    expect((await tree(dirname(set)))[name], name).toBe(hash);
  }
  expect(await captionsIn(out)).toEqual({
    "a.png": "1girl, dark",
    "a.webp": "1girl, dark",
    "b.png": "dark",
    "d.png": null,
    "t.tar:1.png": "first, normal brightness",
    "t.tar:2.png": "bright",
    "10_sks girl/c.png": "sks girl, bright",
    "m/x.png": "x, bright",
    [`.outside${dirname(set)}/far/y.png`]: "y, very bright",
  });
  expect(await readFile(join(out, "d.txt"))).toEqual(Buffer.of(0xff));
  for (const name of ["a.png", "a.webp", "b.png", "d.png", "10_sks girl/c.png", "m/x.png"]) {
    expect((await stat(join(out, name))).ino, name).toBe((await stat(join(set, name))).ino);
  }
  expect((await stat(join(out, "a.txt"))).nlink).toBe(1);
  expect(JSON.parse(await text("tagged.json"))).toMatchObject({
    ...{ kind: "copy", complete: true, words: { families: ["brightness"] } },
    thresholds: expect.stringMatching(/^mine@/),
  });
  expect(await readdir(audit())).not.toContain("tags.jsonl");
});

test("a copy is replaced by the next one, unless somebody has changed it or it is not ours", async () => {
  await laySet();
  await tag({ ...BRIGHT, write: "copy", out });
  await tag({ ...BRIGHT, blackTheme: true, write: "copy", out });
  expect(await text("a.txt")).toBe("1girl, black theme");
  expect((await readdir(dirname(set))).sort()).toEqual(["audit", "far", "out", "set"]);
  await writeFile(join(out, "b.txt"), "mine");
  await expect(tag({ ...BRIGHT, write: "copy", out })).rejects.toThrow(/b\.txt: changed or put there since/);
  expect(await text("b.txt")).toBe("mine");
  for (const other of [dirname(set), audit()]) {
    await expect(tag({ ...BRIGHT, write: "copy", out: other })).rejects.toMatchObject({ code: "bad_option" });
  }
  await expect(tag({ ...BRIGHT, write: "copy", out: join(set, "within") })).rejects.toThrow(/and the set/);
  await expect(tag({ ...BRIGHT, write: "copy" })).rejects.toThrow(/no folder for it/);
  await expect(tag({ ...BRIGHT, out })).rejects.toMatchObject({ code: "bad_option" });
});

test("captions of kohya's JSON are in the copy whether an image gets tokens or not, before files beside the images", async () => {
  const meta = join(set, "meta.json");
  const images = ["a", "b", "c", "d", "e"];
  await lay(Object.fromEntries(images.map((name) => [`${name}.png`, `image ${name}`])));
  await lay({
    "a.caption": "stray",
    "c.txt": "stray, too",
    "meta.json": JSON.stringify(
      Object.fromEntries(
        images.map((name) => [join(set, `${name}.png`), { caption: `words of ${name}`, tags: "1girl" }]),
      ),
    ),
  });
  const rows = await rowsIn([meta]);
  expect(rows.map(({ caption }) => caption)).toContain("words of a,1girl");
  // One without measures.
  rows[1] = { ...rows[1]!, ...NO_FACTS, error: "broken", errorText: "cut short" };
  await writeAudit(audit(), [meta], rows);
  await tag({ ...BRIGHT, outer: true, write: "copy", out });
  const copied = await captionsIn(out);
  expect(Object.keys(copied).sort()).toEqual(images.map((name) => `${name}.png`));
  for (const name of images)
    expect(copied[`${name}.png`], name).toMatch(new RegExp(`^words of ${name},1girl(, (dark|very bright))?$`));
  expect(copied["b.png"]).toBe("words of b,1girl");
  expect(Object.values(copied).filter((caption) => caption?.endsWith("1girl")).length).toBeGreaterThan(1);
});

test("what a killed run had not taken away of the copy before does not stand in the next one's way", async () => {
  await laySet();
  await tag({ ...BRIGHT, write: "copy", out });
  // Killed while the old copy went: some of its files are there, and its mark.
  await mkdir(`${out}.old/left`, { recursive: true });
  await writeFile(`${out}.old/left/a.txt`, "1girl, dark");
  await copyFile(join(out, "tagged.json"), `${out}.old/tagged.json`);
  await tag({ ...BRIGHT, write: "copy", out, blackTheme: true });
  expect(await text("a.txt")).toBe("1girl, black theme");
  expect((await readdir(dirname(out))).filter((name) => name.startsWith("out"))).toEqual(["out"]);
});

test("a caption that is gone since the audit is in the copy as it was audited", async () => {
  await lay({ "a.png": "image a", "a.txt": "1girl" });
  await audited();
  await rm(join(set, "a.txt"));
  await tag({ families: ["brightness"], thresholds: "built-in", write: "copy", out });
  expect(await captionsIn(out)).toEqual({ "a.png": "1girl, dark" });
});

test("an archive that is compressed is left, whatever it is called", async () => {
  const archive = await packed([
    ["1.png", "one"],
    ["1.txt", "first"],
  ]);
  await lay({ "plain.tar": archive, "zipped.tar": gzipSync(archive) });
  await audited();
  const events = await tag({ ...BRIGHT, write: "tars", out });
  expect(events.filter(({ type }) => type === "left")).toMatchObject([
    { reason: "in_archive", path: join(set, "zipped.tar") },
  ]);
  expect((await readdir(out)).filter((name) => name.endsWith(".tar"))).toEqual(["plain.tar"]);
});

test("an archive that is named twice is copied once", async () => {
  await lay({ "t.tar": await packed([["1.png", "one"]]) });
  await audited(join(set, "t.tar"), join(set, "t.tar"));
  await tag({ ...BRIGHT, write: "copy", out });
  expect(Object.keys(await captionsIn(out))).toEqual(["t.tar:1.png"]);
});

test("several folders of one name, images named twice, links and lost images", async () => {
  await lay({
    "one/a/x.png": "1",
    "two/a/x.png": "2",
    "two/a/x.txt": "two",
    "l.txt": "one/a/x.png\none/a/x.png\nnone.png\n",
  });
  await symlink(join(set, "one/a/x.png"), join(set, "two/a/link.png"));
  await audited(join(set, "one/a"), join(set, "two/a"));
  await tag({ ...BRIGHT, write: "copy", out });
  expect(await captionsIn(out)).toEqual({
    "a/x.png": "dark",
    "a-2/link.png": "normal brightness",
    "a-2/x.png": "two, very bright",
  });
  expect((await stat(join(out, "a-2/link.png"))).ino).toBe((await stat(join(set, "one/a/x.png"))).ino);
  await audited(join(set, "l.txt"));
  const events = await tag({ ...BRIGHT, write: "copy", out: `${out}-2` });
  expect(done(events).left).toMatchObject({ shared: 1, unreadable: 1 });
  expect(Object.keys(await captionsIn(`${out}-2`))).toEqual(["one/a/x.png"]);
});

test("tokens that the set has already are replaced in the copy, not put in twice", async () => {
  await laySet();
  await audited(join(set, "a.png"), join(set, "m"));
  await tag({ ...BRIGHT, write: "sidecars" });
  await tag({ ...BRIGHT, write: "metadata" });
  await tag({ ...BRIGHT, blackTheme: true, write: "copy", out });
  expect(await text("a.txt")).toBe("1girl, black theme");
  expect(await text("m/metadata.jsonl")).toContain('"x, normal brightness"');
});

test("dead at any call, the copy is whole or not there; run again, it is the undisturbed one", {
  timeout: 240_000,
}, async () => {
  await laySet();
  const before = await tree(set);
  await tag({ ...BRIGHT, write: "copy", out });
  const whole = await tree(out);
  let died = true;
  let deaths = 0;
  // Every third, for there are many, and what they do is alike.
  for (; died; deaths += 3) {
    await rm(out, { recursive: true });
    const calls = dyingAfter(deaths);
    await tag({ ...BRIGHT, write: "copy", out }, calls).catch(() => {});
    died = calls.died();
    if ((await readdir(dirname(set))).includes("out")) expect(await tree(out)).toEqual(whole);
    expect(await tree(set)).toEqual(before);
    await tag({ ...BRIGHT, write: "copy", out });
    expect(await tree(out)).toEqual(whole);
    expect((await readdir(dirname(set))).sort()).toEqual(["audit", "far", "out", "set"]);
  }
  expect(deaths).toBeGreaterThan(20);
});

/** What GNU tar says of each member, and what it extracts. */
function listing(path: string): string[] {
  return execFileSync("tar", ["-tvf", path, "--full-time", "--quoting-style=c"], { encoding: "utf8" })
    .trimEnd()
    .split("\n");
}

async function extracted(path: string): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(root, "extracted-"));
  execFileSync("tar", ["-xf", path, "-C", folder]);
  const names = Object.keys(await tree(folder));
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), "utf8")])),
  );
}

const LONG = `${"p".repeat(90)}/${"q".repeat(120)}`;

test.each(["gnu", "pax", "ustar"])(
  "archives of GNU tar, %s: only captions differ, and GNU tar reads them",
  async (format) => {
    const long = format === "ustar" ? "long" : LONG;
    await lay({
      "in/a.png": "a".repeat(700),
      "in/a.txt": "1girl",
      "in/a.cls": "7",
      "in/b.caption": "",
      "in/b.json": '{"caption": "not this one"}',
      "in/b.png": "b",
      [`in/${long}.png`]: "l",
      "in/初音🎨.png": "n",
      "in/j.json": '{"width": 5, "caption": "j \\u00e9"}\n',
      "in/j.png": "j",
      "in/k.json": '{"tags": ["k"]}\n',
      "in/k.png": "k",
      "in/x.txt": "of no image",
    });
    await symlink("a.png", join(set, "in/link.png"));
    const names = (await readdir(join(set, "in"))).sort();
    const source = join(set, "s/shard.tar");
    await mkdir(dirname(source));
    execFileSync("tar", ["-cf", source, `--format=${format}`, "-C", join(set, "in"), ...names]);
    await audited(join(set, "s"));
    const before = await readFile(source);
    const events = await tag({ ...BRIGHT, write: "tars", out });
    expect(done(events)).toMatchObject({ images: 6, changed: 6, created: 2, left: {} });
    expect(await readFile(source)).toEqual(before);
    const [old, made] = [await extracted(source), await extracted(join(out, "shard.tar"))];
    expect(made).toEqual({
      ...old,
      "a.txt": "1girl, dark",
      "b.caption": "dark",
      "j.json": '{"width": 5, "caption": "j \\u00e9, normal brightness"}\n',
      "k.json": expect.stringMatching(/^\{"tags": \["k", "[a-z ]+"\]\}\n$/),
      [`${long}.txt`]: expect.stringMatching(/bright/),
      "初音🎨.txt": expect.stringMatching(/bright/),
    });
    const others = (lines: readonly string[]) =>
      lines.filter((line) => !/\.(txt|caption|json)"$/.test(line) || /x\.txt/.test(line));
    expect(others(listing(join(out, "shard.tar")))).toEqual(others(listing(source)));
    const order = (await readFileNames(join(out, "shard.tar"))).filter((name) => name in old || name === "link.png");
    expect(order).toEqual(await readFileNames(source));
    const all = await readFileNames(join(out, "shard.tar"));
    expect(all[all.indexOf(`${long}.png`) + 1]).toBe(`${long}.txt`);
  },
);

async function readFileNames(path: string): Promise<string[]> {
  const listed = execFileSync("tar", ["-tf", path, "--quoting-style=literal"], { encoding: "utf8" });
  return listed
    .trimEnd()
    .split("\n")
    .filter((name) => !name.endsWith("/"));
}

async function layShards(): Promise<void> {
  await lay({
    "1.tar": await packed([
      ["1.png", "one"],
      ["1.txt", "first"],
    ]),
    "d/2.tar": await packed([
      ["2.png", "two"],
      ["2.txt", "second"],
      ["x", "y".repeat(3000)],
    ]),
  });
  await audited();
}

test("archives that are made are not made again; other words make them anew; what is not ours stays", async () => {
  await layShards();
  expect(done(await tag({ ...BRIGHT, write: "tars", out }))).toMatchObject({ images: 2, changed: 2 });
  const first = await stat(join(out, "d/2.tar"));
  expect(done(await tag({ ...BRIGHT, write: "tars", out }))).toMatchObject({ images: 2, changed: 0, unchanged: 2 });
  expect((await stat(join(out, "d/2.tar"))).ino).toBe(first.ino);
  await tag({ ...BRIGHT, blackTheme: true, write: "tars", out });
  expect(await captionsIn(out)).toEqual({
    "1.tar:1.png": "first, black theme",
    "d/2.tar:2.png": "second, very bright",
  });
  await writeFile(join(out, "1.tar"), "mine");
  await expect(tag({ ...BRIGHT, write: "tars", out })).rejects.toThrow(/1\.tar: changed or put there/);
  expect(await text("1.tar")).toBe("mine");
  await expect(tag({ ...BRIGHT, write: "tars", out: audit() })).rejects.toMatchObject({ code: "bad_option" });
});

test("a run that finds archives made counts as the one that made them", async () => {
  const [two, plain] = [["1.png", "1.webp", "1.txt"], ["2.png"]].map((names) =>
    names.map((name) => [name, "x"] as const),
  );
  await lay({ "1.tar": await packed(two!), "2.tar": await packed(plain!) });
  await audited();
  const expected = { images: 3, left: { shared: 1 } };
  const given = { families: ["brightness"], thresholds: "built-in", write: "tars" as const, out };
  expect(done(await tag(given))).toMatchObject({ ...expected, changed: 2, unchanged: 0 });
  expect(done(await tag(given))).toMatchObject({ ...expected, changed: 0, unchanged: 2 });
});

test("names that a list gives elsewhere keep their colons in the copy, and an image that is gone leaves no caption", async () => {
  await lay({ "far/a:b.png": "1", "far/ab.png": "2", "far/none.png": "3", "far/none.txt": "gone", "here/l.txt": "" });
  await lay({ "here/l.txt": "../far/a:b.png\n../far/ab.png\n../far/none.png\n" });
  await audited(join(set, "here/l.txt"));
  await rm(join(set, "far/none.png"));
  const given = { families: ["brightness"], thresholds: "built-in", write: "copy" as const, out };
  expect(done(await tag(given)).left).toEqual({ unreadable: 1 });
  const names = await readdir(join(out, "outside", join(set, "far")));
  expect(names.sort()).toEqual(["a:b.png", "a:b.txt", "ab.png", "ab.txt"]);
});

test("an archive that has changed since the audit, or breaks off, is left, and the others are made", async () => {
  await layShards();
  await utimes(join(set, "1.tar"), 1, 1);
  expect(done(await tag({ ...BRIGHT, write: "tars", out }))).toMatchObject({
    images: 2,
    changed: 1,
    left: { set_changed: 1 },
  });
  expect(Object.keys(await captionsIn(out))).toEqual(["d/2.tar:2.png"]);
  await writeFile(join(set, "1.tar"), (await readFile(join(set, "d/2.tar"))).subarray(0, 3000));
  await audited();
  expect(done(await tag({ ...BRIGHT, write: "tars", out: `${out}-2` }))).toMatchObject({
    ...{ images: 2, changed: 1, created: 0 },
    left: { unreadable: 1 },
  });
  expect(await readdir(`${out}-2`)).not.toContain("1.tar");
  await audited(join(set, "nothing.png"));
  await expect(tag({ ...BRIGHT, write: "tars", out })).rejects.toMatchObject({ code: "bad_option" });
});

test.each([
  ["", false],
  [" in the place of one as large with other words", true],
])(
  "dead at any call, an archive%s is whole or not there; run again, all are",
  { timeout: 240_000 },
  async (_, replaces) => {
    await layShards();
    await tag({ ...BRIGHT, write: "tars", out });
    const whole = await tree(out);
    let died = true;
    let deaths = 0;
    for (; died; deaths += 2) {
      await rm(out, { recursive: true });
      if (replaces) await tag({ ...BRIGHT, blackTheme: true, write: "tars", out });
      const old = await tree(out).catch((): Record<string, string> => ({}));
      const calls = dyingAfter(deaths);
      await tag({ ...BRIGHT, write: "tars", out }, calls).catch(() => {});
      died = calls.died();
      const between = await tree(out).catch((): Record<string, string> => ({}));
      for (const name of ["1.tar", "d/2.tar"]) expect([undefined, old[name], whole[name]]).toContain(between[name]);
      await tag({ ...BRIGHT, write: "tars", out });
      const now = await tree(out);
      for (const name of Object.keys(whole))
        if (!replaces || name !== "archives.jsonl") expect(now[name], name).toBe(whole[name]);
      expect(Object.keys(now)).toEqual(Object.keys(whole));
    }
    expect(deaths).toBeGreaterThan(10);
  },
);
