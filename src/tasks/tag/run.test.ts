/** @file Tagging from end to end on captions of all kinds: what changes, what never does, and that no accident loses a word. */

import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { layFigures } from "../../../test/audit/lay-audit.ts";
import { measuresOf } from "../../../test/tasks/audited.ts";
import { dyingAfter, unflushed } from "../../../test/tasks/dying-calls.ts";
import { type AuditRow, NO_FACTS, PERCEPTUAL_HASH, writeManifest, writeShard } from "../../data/audit/index.ts";
import { type FileCalls, systemCalls } from "../../formats/atomic-write.ts";
import { lockFolder } from "../folder-lock.ts";
import type { TagEvent } from "./events.ts";
import type { TagInput } from "./options.ts";
import { runTag } from "./run.ts";

let root = "";
let set = "";
let audit = "";
let rows: AuditRow[] = [];

/** By name, as their bytes; those of the user. */
const CAPTIONS: Readonly<Record<string, string>> = {
  "a.txt": "1girl, solo",
  "b.txt": "\ufeffline one,\r\n\r\nline two\r\n",
  "c.caption": "初音🎨, dark, bright",
  "d.txt": "",
  "sub/metadata.jsonl":
    '{"file_name": "x.png", "text": "a \\u00e9 \\"girl\\"" , "n": 1.0}\r\n\n{"file_name":"y.png","caption":"c","tags":"one, two","m":{"text":"no"}}\n{"file_name": "z.png"}',
};
const TREE = [...Object.keys(CAPTIONS), "e.txt", "f.txt"].sort();

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tag-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

let run = 0;
beforeEach(async () => {
  set = join(root, `set-${++run}`);
  audit = join(set, "audit");
  await lay();
});

async function lay(): Promise<void> {
  await mkdir(join(set, "sub"), { recursive: true });
  for (const [name, text] of Object.entries(CAPTIONS)) await writeFile(join(set, name), text);
  rows = ["a", "b", "c", "d", "e", "f"].map((name, i) => row(i, `${name}.png`, 40 * i, captionOf(name)));
  const list = join(set, "sub/metadata.jsonl");
  for (const [i, [name, line]] of (
    [
      ["x", 1],
      ["y", 3],
      ["z", 4],
    ] as const
  ).entries()) {
    rows.push(row(6 + i, `sub/${name}.png`, 10 * i, { captionFile: list, captionLine: line }));
  }
  rows.push({ ...row(9, "broken.png", 0, {}), ...NO_FACTS, error: "broken", errorText: "cut short" });
  await writeTable(rows);
}

function captionOf(name: string): Partial<AuditRow> {
  // The audit saw the name of kohya's folder as its caption.
  if (name === "f") return { caption: "sks girl" };
  const file = Object.keys(CAPTIONS).find((one) => one.startsWith(`${name}.`));
  return file === undefined ? {} : { captionFile: join(set, file) };
}

function row(id: number, name: string, brightness: number, more: Partial<AuditRow>): AuditRow {
  const origin = { source: join(set, name), member: null, memberNumber: null, bytes: 1, mtimeMs: 1, repeats: 1 };
  const caption = { caption: null, captionError: null, captionFile: null, captionLine: null };
  return { id, ...origin, ...caption, ...measuresOf(id, brightness), ...more };
}

async function writeTable(all: readonly AuditRow[]): Promise<void> {
  const table = join(audit, "table");
  await mkdir(table, { recursive: true });
  await writeShard(table, 0, all.slice(0, 4), 768);
  await writeShard(table, 1, all.slice(4), 768);
  await layFigures(table, all, 40);
  const settings = { workingSide: 768, perceptualHash: PERCEPTUAL_HASH, nearDistance: 3, shard: 4 };
  const counts = { complete: true, images: all.length, errors: 1, shards: 2 };
  const format = { format: "illustrious.audit", version: 1 } as const;
  await writeManifest(table, { ...format, program: "test", settings, paths: [set], ...counts });
}

async function tag(input: Omit<TagInput, "audit">, calls?: FileCalls): Promise<TagEvent[]> {
  const events: TagEvent[] = [];
  for await (const event of runTag({ audit, ...input }, {}, calls)) events.push(event);
  return events;
}

function done(events: readonly TagEvent[]) {
  const last = events.at(-1)!;
  if (last.type !== "done") throw new Error(`ended with ${last.type}`);
  return last;
}

/** Captions by name, without temporaries, which a dead process leaves. */
async function captions(): Promise<Record<string, string>> {
  const names = (await readdir(set, { recursive: true })).filter((name) => TREE.includes(name)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(set, name), "utf8")])),
  );
}

const BRIGHT = { families: ["brightness"], name: "mine" };
/** Where the set is too small or too even to fit to. */
const BUILT_IN = { families: ["brightness"], thresholds: "built-in" };

test("a dry run tells and changes nothing, not even in the audit's folder", async () => {
  const events = await tag({ ...BRIGHT, show: 2 });
  expect(done(events)).toMatchObject({
    ...{ images: 10, changed: 7, created: 2, unchanged: 1, written: false },
    ...{
      left: { no_measures: 1, no_caption: 1 },
      tokens: { dark: 3, "normal brightness": 2, bright: 3, "very bright": 1 },
    },
  });
  expect(events.filter(({ type }) => type === "change")).toMatchObject([
    { caption: join(set, "a.txt"), before: "1girl, solo", after: "1girl, solo, dark" },
    { after: "\ufeffline one, normal brightness\r\n\r\nline two, normal brightness\r\n" },
  ]);
  expect(events.find(({ type }) => type === "thresholds")).toMatchObject({
    name: "mine",
    thresholds: { pictures: 40 },
  });
  expect(await captions()).toEqual(CAPTIONS);
  expect(await readdir(audit)).toEqual(["table"]);
});

test("the last progress is a full count, also where a line of the set names no image", async () => {
  const bad = { ...row(10, "sub/metadata.jsonl", 0, {}), ...NO_FACTS, error: "bad_source", errorText: "line 2: no" };
  await writeTable([...rows, bad as AuditRow]);
  const last = (await tag({ ...BRIGHT })).findLast(({ type }) => type === "progress");
  expect(last).toMatchObject({ images: rows.length, total: rows.length });
});

test("where the audit has no figures, its rows are counted for the thresholds first, which is told", async () => {
  await writeTable(Array.from({ length: 44 }, (_, i) => row(i, `${i}.png`, 4 * i, {})));
  await rm(join(audit, "table/figures.json"));
  const events = await tag(BRIGHT);
  const counting = events.filter(({ type }) => type === "counting");
  expect(counting).toEqual([4, 44].map((images) => ({ type: "counting", images, total: 44 })));
  expect(events.indexOf(counting.at(-1)!)).toBeLessThan(events.findIndex(({ type }) => type === "thresholds"));
  expect((await tag(BRIGHT)).some(({ type }) => type === "counting")).toBe(false);
});

test("thresholds that part nothing are refused: of values that tie, of too few pictures, fitted or of a file", async () => {
  const saturation = { families: ["saturation"] };
  await writeTable(rows.map((one, i) => ({ ...one, brightness: one.brightness === null ? null : i < 2 ? 90 : 255 })));
  const refused = { code: "bad_option", message: expect.stringContaining("cuts tie in brightness [") };
  const hint = "Take --thresholds built-in, or only --families saturation.";
  await expect(tag({ families: ["brightness", "saturation"] })).rejects.toMatchObject({ ...refused, hint });
  const told = (await tag(saturation)).find(({ type }) => type === "thresholds");
  const file = join(root, "tied.json");
  await writeFile(file, JSON.stringify((told as Extract<TagEvent, { type: "thresholds" }>).thresholds));
  await expect(tag({ families: ["brightness"], thresholds: file })).rejects.toMatchObject(refused);
  expect(done(await tag({ ...saturation, thresholds: file }))).toMatchObject({ images: 10 });
  await rm(join(audit, "table/figures.json"));
  const message = expect.stringContaining("fitted to 9 pictures: at least 40 are needed");
  await expect(tag(saturation)).rejects.toMatchObject({ code: "bad_option", message });
  expect(done(await tag(BUILT_IN))).toMatchObject({ tokens: { dark: 2, "very bright": 7 } });
});

test("sidecars are written, twice is once, and undone they are as they were", async () => {
  const first = done(await tag({ ...BRIGHT, write: "sidecars" }));
  expect(first).toMatchObject({ changed: 5, created: 2, left: { elsewhere: 3, no_measures: 1 } });
  const written = await captions();
  expect(written).toEqual({
    ...CAPTIONS,
    "a.txt": "1girl, solo, dark",
    "b.txt": "\ufeffline one, normal brightness\r\n\r\nline two, normal brightness\r\n",
    "d.txt": "bright",
    "e.txt": "bright",
    "f.txt": "sks girl, very bright",
  });
  const ledger = await readFile(first.ledger, "utf8");
  expect(done(await tag({ ...BRIGHT, write: "sidecars" }))).toMatchObject({ changed: 0, unchanged: 6 });
  expect(await captions()).toEqual(written);
  expect(await readFile(first.ledger, "utf8")).toBe(ledger);
  const [kept] = await readdir(join(audit, "thresholds"));
  expect(ledger).toContain(`"thresholds":"mine@${/^mine-(\w+)\.json$/.exec(kept!)![1]}"`);
  expect(done(await tag({ undo: true }))).toMatchObject({ changed: 5, removed: 2 });
  expect(await captions()).toEqual(CAPTIONS);
  expect(done(await tag({ undo: true }))).toMatchObject({ changed: 0 });
});

test("metadata changes inside its strings only, and comes back", async () => {
  const { changed } = done(await tag({ ...BRIGHT, write: "metadata" }));
  expect(changed).toBe(2);
  expect((await captions())["sub/metadata.jsonl"]).toBe(
    '{"file_name": "x.png", "text": "a \\u00e9 \\"girl\\", dark" , "n": 1.0}\r\n\n{"file_name":"y.png","caption":"c","tags":"one, two, dark","m":{"text":"no"}}\n{"file_name": "z.png"}',
  );
  expect(done(await tag({ ...BRIGHT, write: "metadata" }))).toMatchObject({ changed: 0, unchanged: 2 });
  await tag({ undo: true });
  expect(await captions()).toEqual(CAPTIONS);
});

test("tags that are a list get tokens as texts of their own, which are replaced, found in a changed list, and taken out", async () => {
  const path = join(set, "sub/metadata.jsonl");
  const lines = (...tags: string[]) =>
    tags.map((list, i) => `{"file_name": "${"xyz"[i]}.png", "tags": ${list}, "text": "no" , "n": 1.0}\n`).join("");
  const text = lines('["1girl" , "\\u0073ky"]', '["D\\u0061rk"]', '["a, b"]');
  await writeFile(path, text);
  await writeTable([...rows.slice(0, 6), ...[1, 2, 3].map((n) => ({ ...rows[5 + n]!, captionLine: n })), rows[9]!]);
  const written = () => readFile(path, "utf8");
  expect(done(await tag({ ...BRIGHT, write: "metadata" }))).toMatchObject({ changed: 2, unchanged: 1 });
  expect(await written()).toBe(
    lines('["1girl" , "\\u0073ky" , "dark"]', '["D\\u0061rk"]', '["a, b", "normal brightness"]'),
  );
  expect(done(await tag({ ...BRIGHT, write: "metadata" }))).toMatchObject({ changed: 0, unchanged: 3 });
  await tag({ ...BRIGHT, blackTheme: true, position: "start", keepTokens: 1, write: "metadata" });
  const start = ['["1girl" , "black theme" , "\\u0073ky"]', '["D\\u0061rk", "black theme"]'];
  expect(await written()).toBe(lines(...start, '["a, b", "normal brightness"]'));
  // One list edited, one that is a text now.
  await writeFile(path, lines('["2girls","black theme","sea"]', start[1]!, '"a, b, c, normal brightness"'));
  await tag({ undo: true });
  expect(await written()).toBe(lines('["2girls","sea"]', '["D\\u0061rk"]', '"a, b, c"'));
});

/** Files that are begun to be written. */
function watched(seen: string[], onOpen?: (path: string) => Promise<void>): FileCalls {
  return {
    ...systemCalls,
    async open(path) {
      seen.push(path);
      await onOpen?.(path);
      return systemCalls.open(path);
    },
  };
}

test("a metadata file in which nothing changes is not written beside itself either", async () => {
  const seen: string[] = [];
  const inSub = () => seen.filter((path) => path.startsWith(join(set, "sub/.metadata")));
  await tag({ ...BRIGHT, write: "metadata" }, watched(seen));
  expect(inSub()).toHaveLength(1);
  await tag({ ...BRIGHT, write: "metadata" }, watched(seen));
  expect(inSub()).toHaveLength(1);
});

test("lines above the first that changes are copied as they are", async () => {
  const path = join(set, "sub/metadata.jsonl");
  await tag({ ...BRIGHT, write: "metadata" });
  const tagged = await readFile(path, "utf8");
  await writeFile(path, tagged.replace("one, two, dark", "one, two"));
  expect(done(await tag({ ...BRIGHT, write: "metadata" }))).toMatchObject({ changed: 1, unchanged: 1 });
  expect(await readFile(path, "utf8")).toBe(tagged);
});

test("a metadata file that another program writes meanwhile keeps what that one wrote", async () => {
  const path = join(set, "sub/metadata.jsonl");
  const other = watched([], async (temporary) => {
    if (temporary.startsWith(join(set, "sub"))) await writeFile(path, "theirs");
  });
  const events = await tag({ ...BRIGHT, write: "metadata" }, other);
  expect(done(events).left).toMatchObject({ written_meanwhile: 1 });
  expect(await readFile(path, "utf8")).toBe("theirs");
  expect(await readdir(join(set, "sub"))).toEqual([".illustrious-tags.json", "metadata.jsonl"]);
});

test("a line that cannot be read holds a folder for its audit only where it may have tokens", async () => {
  const list = join(set, "sub/metadata.jsonl");
  const names = () => readdir(join(set, "sub"));
  await writeFile(list, `${CAPTIONS["sub/metadata.jsonl"]}\n{"file_name": "w.png", "text": \n`);
  await tag({ ...BRIGHT, write: "metadata" });
  const tagged = await readFile(list, "utf8");
  await writeFile(list, tagged.replace('{"file_name":"y.png"', '{"file_name" "y.png"'));
  await tag({ undo: true });
  expect(await names()).toContain(".illustrious-tags.json");
  await writeFile(list, tagged);
  await tag({ undo: true });
  expect(await names()).toEqual(["metadata.jsonl"]);
});

test("kohya's JSON of captions is not taken for a file beside the image", async () => {
  const meta = join(set, "meta.json");
  await writeFile(meta, '{"a.png": {"caption": "a"}}');
  await writeTable([{ ...rows[0]!, captionFile: meta, caption: "a" }]);
  expect(done(await tag({ ...BUILT_IN, write: "sidecars" }))).toMatchObject({ changed: 0, left: { elsewhere: 1 } });
  expect(await readFile(meta, "utf8")).toBe('{"a.png": {"caption": "a"}}');
});

test("while another run is at work on the audit, nothing is written; to look is allowed", async () => {
  const release = await lockFolder(audit, "illustrious audit");
  await expect(tag({ ...BRIGHT, write: "sidecars" })).rejects.toThrow(/illustrious audit, process/);
  await tag(BRIGHT);
  await release();
  expect(await captions()).toEqual(CAPTIONS);
});

test("lines of the ledger that do not count any more go away, and what counts stays", async () => {
  const ledger = async () => (await readFile(join(audit, "tags.jsonl"), "utf8")).trimEnd().split("\n");
  await tag({ ...BRIGHT, write: "sidecars" });
  await tag({ ...BRIGHT, write: "metadata" });
  const captionOf = (line: string) => JSON.parse(line).caption + JSON.parse(line).image;
  const before = (await ledger()).map(captionOf);
  await tag({ families: ["saturation"], write: "sidecars" });
  expect((await ledger()).map(captionOf).sort()).toEqual(
    [...before, `${join(set, "c.caption")}${join(set, "c.png")}`].sort(),
  );
  await tag({ undo: true });
  expect(await captions()).toEqual(CAPTIONS);
});

test("other choices replace our own words and leave the user's", async () => {
  await tag({ ...BRIGHT, write: "sidecars" });
  await tag({
    families: ["saturation", "brightness"],
    write: "sidecars",
    position: "start",
    separator: " , ",
    blackTheme: true,
  });
  expect(await captions()).toMatchObject({
    "a.txt": "black theme , muted colors , 1girl, solo",
    "c.caption": "muted colors , 初音🎨, dark, bright",
  });
  await tag({ undo: true });
  expect(await captions()).toEqual(CAPTIONS);
});

test("a caption that was changed keeps its changes, or is left when ours cannot be told apart", async () => {
  await tag({ ...BRIGHT, write: "sidecars" });
  await writeFile(join(set, "a.txt"), "1girl, solo, dark, more");
  await writeFile(join(set, "d.txt"), "bright, and bright, bright");
  await writeFile(join(set, "e.txt"), "all anew");
  const events = await tag({ families: ["saturation"], write: "sidecars" });
  expect(events.filter(({ type }) => type === "left")).toMatchObject([{ reason: "unclear", path: join(set, "d.txt") }]);
  expect(await captions()).toMatchObject({
    "a.txt": "1girl, solo, more, muted colors",
    "d.txt": "bright, and bright, bright",
    "e.txt": "all anew, average colors",
  });
  await tag({ undo: true });
  expect(await captions()).toMatchObject({ "a.txt": "1girl, solo, more", "e.txt": "all anew" });
});

test("words that were put beside a caption of tokens alone are all that is left of it, and no separator", async () => {
  const families = { families: ["brightness", "saturation"], write: "sidecars" as const };
  await tag(families);
  expect(await captions()).toMatchObject({ "d.txt": "bright, average colors", "e.txt": "bright, average colors" });
  await writeFile(join(set, "d.txt"), "bright, average colors, my words");
  await writeFile(join(set, "e.txt"), "my words, bright, average colors");
  await tag({ ...BRIGHT, write: "sidecars" });
  expect(await captions()).toMatchObject({ "d.txt": "my words, bright", "e.txt": "my words, bright" });
  await tag({ undo: true });
  expect(await captions()).toEqual({ ...CAPTIONS, "d.txt": "my words", "e.txt": "my words" });
});

test("a file of tokens alone goes away though an editor has ended its line", async () => {
  await tag({ ...BRIGHT, write: "sidecars" });
  await writeFile(join(set, "e.txt"), "bright\n");
  await tag({ undo: true });
  expect(await captions()).toEqual(CAPTIONS);
});

test("a word of a caption that was written anew is its writer's, though it is the one that was put in", async () => {
  await tag({ ...BRIGHT, write: "sidecars" });
  await writeFile(join(set, "a.txt"), "solo, dark, night");
  const left = [{ reason: "unclear", path: join(set, "a.txt") }];
  for (const input of [{ families: ["saturation"], write: "sidecars" as const }, { undo: true }]) {
    const events = await tag(input);
    expect(events.filter(({ type }) => type === "left")).toMatchObject(left);
    expect((await captions())["a.txt"]).toBe("solo, dark, night");
  }
});

test("where the caption that was audited is gone, nothing is put in its place", async () => {
  await rename(join(set, "c.caption"), join(set, "c.txt"));
  await rm(join(set, "a.txt"));
  await symlink(join(set, "elsewhere"), join(set, "a.txt"));
  await rm(join(set, "b.txt"));
  const events = await tag({ ...BRIGHT, write: "sidecars", families: ["saturation"] });
  expect(done(events).left).toMatchObject({ unreadable: 1, set_changed: 1 });
  expect(await readFile(join(set, "c.txt"), "utf8")).toBe("初音🎨, dark, bright, muted colors");
  expect(await readlink(join(set, "a.txt"))).toBe(join(set, "elsewhere"));
  const names = await readdir(set);
  expect(["c.caption", "b.txt"].filter((name) => names.includes(name))).toEqual([]);
  await tag({ undo: true });
  expect(await readlink(join(set, "a.txt"))).toBe(join(set, "elsewhere"));
  expect(await readFile(join(set, "c.txt"), "utf8")).toBe("初音🎨, dark, bright");
});

test("two names of one file are one caption", async () => {
  await rm(join(set, "b.txt"));
  await symlink("a.txt", join(set, "b.txt"));
  await writeFile(join(set, "a.png"), "");
  const events = await tag({ ...BRIGHT, write: "sidecars" });
  expect(events.find(({ type }) => type === "left")).toMatchObject({ reason: "shared", path: join(set, "b.png") });
  expect(await readFile(join(set, "a.txt"), "utf8")).toBe("1girl, solo, dark");
  await tag({ undo: true });
  expect(await readFile(join(set, "a.txt"), "utf8")).toBe("1girl, solo");
});

test("a caption of two images is counted once, by a dry run as by one that writes", async () => {
  const image = (id: number, name: string, file: string | null) =>
    row(id, name, 40, { captionFile: file === null ? null : join(set, file) });
  // The one has a caption, the other gets one; between them stands another image.
  const pairs = [image(0, "a.jpg", "a.txt"), image(1, "b.png", "b.txt"), image(2, "a.png", "a.txt")];
  await writeTable([...pairs, image(3, "g.jpg", null), image(4, "g.png", null)]);
  for (const name of ["a.jpg", "g.jpg"]) await writeFile(join(set, name), "");
  const counts = { images: 5, changed: 3, created: 1, unchanged: 0, left: { shared: 2 } };
  const dry = await tag({ ...BUILT_IN, show: 9 });
  expect(done(dry)).toMatchObject(counts);
  const wet = await tag({ ...BUILT_IN, show: 9, write: "sidecars" });
  expect(done(wet)).toMatchObject(counts);
  const told = (events: readonly TagEvent[]) => events.filter(({ type }) => type === "left" || type === "change");
  expect(told(dry)).toEqual(told(wet));
});

test("two lines of one image have an entry each, and a word of the one's is not taken for ours in the other", async () => {
  const path = join(set, "sub/metadata.jsonl");
  const text = ["a cat", "a kitten, dark", "a lion"].map((one) => `{"file_name":"x.png","text":"${one}"}\n`).join("");
  await writeFile(path, text);
  await writeTable([
    ...rows.slice(0, 4),
    ...[1, 2, 3].map((line, i) => row(4 + i, "sub/x.png", 0, { captionFile: path, captionLine: line })),
    rows[9]!,
  ]);
  const written = async () => (await readFile(path, "utf8")).match(/(?<="text":")[^"]*/g);
  await tag({ ...BRIGHT, write: "metadata" });
  expect(await written()).toEqual(["a cat, dark", "a kitten, dark", "a lion, dark"]);
  // The middle line has no word of ours, and may be the others', moved and changed: it is left.
  expect(done(await tag({ ...BRIGHT, write: "metadata" }))).toMatchObject({ changed: 0, left: { unclear: 1 } });
  await tag({ families: ["brightness", "saturation"], write: "metadata" });
  expect(await written()).toEqual([
    "a cat, dark, vibrant colors",
    "a kitten, dark",
    "a lion, dark, very vibrant colors",
  ]);
  await tag({ undo: true });
  expect(await readFile(path, "utf8")).toBe(text);
});

test("lines that have moved since they were tagged come back all the same", async () => {
  const path = join(set, "sub/metadata.jsonl");
  await tag({ ...BRIGHT, write: "metadata" });
  const tagged = (await readFile(path, "utf8")).split("\n");
  await writeFile(path, ['{"file_name": "new.png", "text": "n"}', ...tagged].join("\n"));
  await tag({ undo: true });
  expect(await readFile(path, "utf8")).toBe(`{"file_name": "new.png", "text": "n"}\n${CAPTIONS["sub/metadata.jsonl"]}`);
});

test("a folder that may not be written is told, and the others go on", async () => {
  const refusing = (code: string): FileCalls => ({
    ...systemCalls,
    open: (path) =>
      path.includes(`${sep}.a.txt`) ? Promise.reject(Object.assign(new Error(code), { code })) : systemCalls.open(path),
  });
  const events = await tag({ ...BRIGHT, write: "sidecars" }, refusing("EACCES"));
  expect(done(events).left).toMatchObject({ unwritable: 1 });
  expect(await captions()).toMatchObject({
    "a.txt": "1girl, solo",
    "d.txt": "bright",
    "f.txt": "sks girl, very bright",
  });
  // A full disk is everybody's.
  await expect(tag({ ...BRIGHT, write: "sidecars" }, refusing("ENOSPC"))).rejects.toMatchObject({
    code: "write_failed",
  });
  await tag({ ...BRIGHT, write: "sidecars" });
  await tag({ undo: true });
  expect(await captions()).toEqual(CAPTIONS);
});

test("metadata that are gone are told, and the other captions go on", async () => {
  await rm(join(set, "sub/metadata.jsonl"));
  const events = await tag({ ...BRIGHT, write: "metadata" });
  expect(done(events)).toMatchObject({ images: 10, changed: 0 });
  expect(done(events).left).toEqual({ unreadable: 1, elsewhere: 6, no_measures: 1 });
});

test("a caption that is ours and comes back with its folder is still ours", async () => {
  await tag({ ...BRIGHT, write: "sidecars" });
  const created = await readFile(join(set, "e.txt"), "utf8");
  await rm(join(set, "e.txt"));
  const refusing: FileCalls = {
    ...systemCalls,
    open: (path) =>
      path.includes(`${sep}.e.txt`)
        ? Promise.reject(Object.assign(new Error("gone"), { code: "ENOENT" }))
        : systemCalls.open(path),
  };
  const events = await tag({ families: ["saturation"], write: "sidecars" }, refusing);
  expect(done(events).left).toMatchObject({ unwritable: 1 });
  await writeFile(join(set, "e.txt"), created);
  await tag({ families: ["saturation"], write: "sidecars" });
  expect(await readFile(join(set, "e.txt"), "utf8")).toBe("average colors");
  await tag({ undo: true });
  expect(await captions()).toEqual(CAPTIONS);
});

test("a line that has the very words of a tagged one is its writer's", async () => {
  const path = join(set, "sub/metadata.jsonl");
  const text = '{"file_name":"x.png","text":"a cat"}\n{"file_name":"x.png","text":"a cat, dark"}\n';
  await writeFile(path, text);
  await writeTable([
    ...rows.slice(0, 4),
    ...[1, 2].map((line, i) => row(4 + i, "sub/x.png", 0, { captionFile: path, captionLine: line })),
    rows[9]!,
  ]);
  await tag({ ...BRIGHT, write: "metadata" });
  await tag({ undo: true });
  expect(await readFile(path, "utf8")).toBe(text);
});

test("lines of one image that have moved are each what they were", async () => {
  const path = join(set, "sub/metadata.jsonl");
  const lines = ["a cat", "a kitten", "a lion"].map((one) => `{"file_name":"x.png","text":"${one}"}`);
  const table = (from: number) =>
    writeTable([
      ...rows.slice(0, 4),
      ...[0, 1, 2].map((i) => row(4 + i, "sub/x.png", 0, { captionFile: path, captionLine: from + i })),
      rows[9]!,
    ]);
  await writeFile(path, `${lines.join("\n")}\n`);
  await table(1);
  await tag({ ...BRIGHT, write: "metadata" });
  await writeFile(path, `\n${await readFile(path, "utf8")}`);
  await table(2);
  await tag({ ...BRIGHT, blackTheme: true, write: "metadata" });
  expect((await readFile(path, "utf8")).match(/black theme/g)).toHaveLength(3);
  await tag({ undo: true });
  expect(await readFile(path, "utf8")).toBe(`\n${lines.join("\n")}\n`);
});

test("a link that an older ledger knows by its own name stays known", async () => {
  await writeFile(join(set, "real"), "1girl");
  await rm(join(set, "a.txt"));
  await symlink("real", join(set, "a.txt"));
  await tag({ ...BRIGHT, write: "sidecars" });
  const ledger = join(audit, "tags.jsonl");
  await writeFile(
    ledger,
    (await readFile(ledger, "utf8")).replace(`"${join(set, "real")}"`, `"${join(set, "a.txt")}"`),
  );
  await tag({ ...BRIGHT, blackTheme: true, write: "sidecars" });
  expect(await readFile(join(set, "real"), "utf8")).toBe("1girl, black theme");
  await tag({ undo: true });
  expect(await readFile(join(set, "real"), "utf8")).toBe("1girl");
});

test("one caption of two images is tagged once", async () => {
  await writeTable([rows[0]!, { ...rows[5]!, source: join(set, "a.webp"), captionFile: join(set, "a.txt") }, rows[9]!]);
  await writeFile(join(set, "a.png"), "");
  const events = await tag({ ...BRIGHT, write: "sidecars" });
  expect(events.find(({ type }) => type === "left")).toMatchObject({ reason: "shared" });
  expect((await captions())["a.txt"]).toBe("1girl, solo, dark");
  expect(done(await tag({ ...BRIGHT, write: "sidecars" }))).toMatchObject({ changed: 0, unchanged: 1 });
});

test("a metadata file that has changed since the audit keeps the lines that are not the images' any more", async () => {
  const path = join(set, "sub/metadata.jsonl");
  await writeFile(path, '{"file_name":"new.png","text":"n"}\n{"file_name":"x.png","text":"x"}\n');
  const events = await tag({ ...BRIGHT, write: "metadata" });
  expect(done(events)).toMatchObject({ changed: 0, images: 10, left: { set_changed: 4 } });
  expect(await readFile(path, "utf8")).toBe('{"file_name":"new.png","text":"n"}\n{"file_name":"x.png","text":"x"}\n');
});

test("built-in thresholds are the same whatever the set measures", async () => {
  const builtIn = async () => (await tag({ thresholds: "built-in" })).find((event) => event.type === "thresholds")!;
  const first = await builtIn();
  expect(first).toMatchObject({ name: "debian-12-pictures", thresholds: { pictures: 659, workingSide: 768 } });
  await writeTable(rows.map((one) => (one.brightness === null ? one : { ...one, brightness: one.brightness / 10 })));
  expect(await builtIn()).toEqual(first);
  const { thresholds } = first;
  expect(Object.values(thresholds.cuts).every(([low, middle, high]) => low < middle && middle < high)).toBe(true);
});

test("archives, contrary options and unfit thresholds are refused before anything is written", async () => {
  await expect(tag({ undo: true, write: "sidecars" })).rejects.toMatchObject({ code: "bad_option" });
  await expect(tag({ families: ["colour"] })).rejects.toMatchObject({ code: "bad_option" });
  await expect(tag({ keepTokens: 2 })).rejects.toThrow("keepTokens 2, and position end");
  const file = join(set, "mine.json");
  const first = (await tag(BRIGHT)).find((event) => event.type === "thresholds")!;
  await writeFile(file, JSON.stringify({ ...first.thresholds, workingSide: 512 }));
  await expect(tag({ thresholds: file, write: "sidecars" })).rejects.toThrow(/at 768 pixels.*at 512/);
  await writeTable([{ ...rows[0]!, member: "a.png", source: "/x.tar" }, ...rows.slice(1)]);
  await expect(tag({ ...BRIGHT, write: "sidecars" })).rejects.toMatchObject({ code: "unsupported" });
  expect(await captions()).toEqual(CAPTIONS);
  expect(await readdir(audit)).toEqual(["table"]);
});

const STEPS: readonly { readonly name: string; readonly input: Omit<TagInput, "audit"> }[] = [
  { name: "first", input: { ...BRIGHT, write: "sidecars" } },
  { name: "metadata", input: { ...BRIGHT, write: "metadata" } },
  { name: "replaced", input: { name: "mine", families: ["saturation"], write: "sidecars" } },
  { name: "undone", input: { undo: true } },
];

test("dead at any call and run again, it comes out as if nothing had been, ledger and all", {
  timeout: 600_000,
}, async () => {
  const copy = `${set}-copy`;
  for (const { name, input } of STEPS) {
    await cp(set, copy, { recursive: true });
    const before = await captions();
    await tag(input, unflushed);
    const [after, ledger] = [await captions(), await readFile(join(audit, "tags.jsonl"), "utf8")];
    let deaths = 0;
    for (let died = true; died; ) {
      await rm(set, { recursive: true });
      await cp(copy, set, { recursive: true });
      const calls = dyingAfter(deaths);
      const thrown = await tag(input, calls).then(
        () => undefined,
        (error: unknown) => error,
      );
      died = calls.died();
      expect(thrown === undefined).toBe(!died);
      // At no moment is a caption anything but what it was or what it becomes.
      const between = await captions();
      for (const file of TREE) expect([before[file], after[file]], `${name}, ${deaths}`).toContain(between[file]);
      await tag(input, unflushed);
      expect(await captions(), `${name}, ${deaths}`).toEqual(after);
      expect(await readFile(join(audit, "tags.jsonl"), "utf8"), `${name}, ${deaths}`).toBe(ledger);
      const left = (await readdir(set, { recursive: true })).filter((one) => one.endsWith(".tmp"));
      expect(left, `${name}, ${deaths}`).toEqual([]);
      if (died) deaths++;
    }
    expect(deaths).toBeGreaterThan(8);
    await rm(copy, { recursive: true });
  }
  expect(await captions()).toEqual(CAPTIONS);
});
