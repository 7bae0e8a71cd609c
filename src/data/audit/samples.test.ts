/** @file Which images with which captions a folder, a list, a metadata file and an archive have. Nothing is decoded here. */

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkPaths, placesIn } from "./places.ts";
import { type Sample, samplesIn } from "./samples.ts";
import { unnamedBy } from "./unnamed.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "samples-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function lay(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

async function gathered<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function samples(...paths: string[]): Promise<Sample[]> {
  const given = paths.map((path) => join(folder, path));
  await checkPaths(given);
  return gathered(samplesIn(placesIn(given)));
}

/** Path and member, caption, repeats or fault: what differs between the cases. */
const brief = (found: readonly Sample[]) =>
  found.map(({ origin, fault }) => {
    const name = relative(folder, origin.source) + (origin.member === null ? "" : `:${origin.member}`);
    return [name, fault?.error ?? origin.caption, ...(origin.repeats === 1 ? [] : [origin.repeats])];
  });

test("a folder and all below it, by name; captions beside images; hidden files and other things are left", async () => {
  await lay({
    "b.png": "1",
    "b.txt": "  a girl,\r\nred hair\n\n",
    "a.JPG": "22",
    "a.caption": "first",
    "a.txt": "second",
    "c.webp": "",
    "deep/er/d.avif": "333",
    "deep/er/d.txt": "\ufeffmarked",
    "10.gif": "4444",
    ".hidden.png": "x",
    ".git/e.png": "x",
    "notes.md": "x",
    "lone.txt": "x",
  });
  const found = await samples("");
  expect(brief(found)).toEqual([
    ["10.gif", null],
    ["a.JPG", "first"],
    ["b.png", "a girl,\nred hair"],
    ["c.webp", null],
    ["deep/er/d.avif", "marked"],
  ]);
  const { mtimeMs } = await stat(join(folder, "b.png"));
  expect(found[2]!.origin).toMatchObject({ bytes: 1, mtimeMs, member: null, memberNumber: null, captionError: null });
  expect(found.map(({ reached }) => reached)).toEqual([4, 6, 7, 7, 10]);
});

test("rarer endings of images; archives that are not read are no samples, and are told of as places", async () => {
  const images = ["a.jfif", "b.JPE", "c.jif", "d.apng"];
  const others = ["e.tar.bz2", "f.tar.zst", "g.TXZ", "h.zip", "i.7z"];
  await lay(Object.fromEntries([...images, ...others, "notes.tar.md"].map((name) => [name, ""])));
  expect(brief(await samples(""))).toEqual(images.map((name) => [name, null]));
  const places = await gathered(placesIn([folder]));
  const left = places.flatMap(({ type, path }) => (type === "other archive" ? [relative(folder, path)] : []));
  expect(left).toEqual(others);
  await expect(samples("e.tar.bz2")).rejects.toMatchObject({ hint: expect.stringContaining(".tar.gz") });
});

test("names with quotes, line ends, emoji and dots", async () => {
  const names = ["a'b.png", 'a"b.png', "a\nb.png", "初音🎨.png", "a.b.c.png", " .png", "%2e%2e.png", "$(x);.png"];
  await lay(
    Object.fromEntries(
      names.flatMap((name) => [
        [`s/${name}`, ""],
        [`s/${name.slice(0, -4)}.txt`, name],
      ]),
    ),
  );
  expect(brief(await samples("s"))).toEqual(names.sort().map((name) => [`s/${name}`, name.trim()]));
});

test("kohya's folders say how often, and name the class where no caption is", async () => {
  await lay({
    "img/10_sks girl/a.png": "",
    "img/10_sks girl/a.txt": "own",
    "img/10_sks girl/b.png": "",
    "reg/2_/c.png": "",
    "3_top/d.png": "",
    "other/4_no/e.png": "",
    "0_never/f.png": "",
  });
  expect(brief(await samples(""))).toEqual([
    ["0_never/f.png", "never", 0],
    ["3_top/d.png", "top", 3],
    ["img/10_sks girl/a.png", "own", 10],
    ["img/10_sks girl/b.png", "sks girl", 10],
    ["other/4_no/e.png", null],
    ["reg/2_/c.png", null, 2],
  ]);
});

test("kohya's folders that are named themselves count as they do below their parent", async () => {
  const names = ["10_sks girl/a.png", "10_sks girl/deep/b.png", "0_never/c.png", "plain/d.png", "reg/1_w/e.png"];
  await lay({ ...Object.fromEntries(names.map((name) => [`k/${name}`, ""])), "k/2_/f.png": "", "k/2_/3_in/g.png": "" });
  const expected = [
    ["k/10_sks girl/a.png", "sks girl", 10],
    ["k/10_sks girl/deep/b.png", "sks girl", 10],
    ["k/0_never/c.png", "never", 0],
    ["k/plain/d.png", null],
    ["k/reg/1_w/e.png", "w"],
  ];
  await lay({ "k/list.txt": "10_sks girl\n0_never\nplain\nreg/1_w\n" });
  expect(brief(await samples("k/10_sks girl", "k/0_never/", "k/plain", "k/reg/1_w"))).toEqual(expected);
  expect(brief(await samples("k/list.txt"))).toEqual(expected);
  expect(new Set(brief(await samples("k")).map(String))).toEqual(
    new Set([...expected, ["k/2_/f.png", null, 2], ["k/2_/3_in/g.png", null, 2]].map(String)),
  );
  // Named, it may as well be the folder of a whole set.
  expect(brief(await samples("k/2_"))).toEqual([
    ["k/2_/f.png", null, 2],
    ["k/2_/3_in/g.png", "in", 3],
  ]);
});

test("metadata.jsonl, by itself or in a folder, is the set; a line that is wrong costs a row", async () => {
  const lines = [
    '{"file_name": "x/a.png", "text": "a"}',
    "",
    "not JSON",
    '{"text": "nothing"}',
    '{"file_name": "none.png"}',
    '{"image_path": "b.png", "caption": "b", "tags": "t1, t2"}',
    '{"file_name": "b.png", "prompt": 5}',
  ];
  await lay({
    "m/metadata.jsonl": `\ufeff${lines.join("\n")}`,
    "m/x/a.png": "",
    "m/b.png": "",
    "m/extra.png": "",
    "z.png": "",
  });
  const expected = [
    ["m/x/a.png", "a"],
    ["m/metadata.jsonl", "bad_source"],
    ["m/metadata.jsonl", "bad_source"],
    ["m/none.png", null],
    ["m/b.png", "b,t1, t2"],
    ["m/metadata.jsonl", "bad_source"],
  ];
  const found = await samples("m/metadata.jsonl");
  expect(brief(found)).toEqual(expected);
  expect(found[1]!.fault!.errorText).toMatch(/^line 3: /);
  expect(found[3]!.origin).toMatchObject({ bytes: null, mtimeMs: null });
  expect(brief(await samples(""))).toEqual([["z.png", null], ...expected]);
});

test("what a folder's metadata.jsonl does not name is counted, but for what is named itself", async () => {
  const names = ["010.png", "011.png", "sub/0.png", "sub/1.png", "sub/deep/2.png", "sub/z.tar", ".no.png", "no.txt"];
  await lay(Object.fromEntries(names.map((name) => [name, ""])));
  await lay({ "metadata.jsonl": '{"file_name":"010.png"}\nbroken\n{"file_name":"sub/../sub/1.png"}\n' });
  const left = (...given: string[]) =>
    unnamedBy(
      join(folder, "metadata.jsonl"),
      new Set([folder, ...given.map((name) => join(folder, name))]),
      () => false,
    );
  expect(await left()).toEqual({ images: 3, archives: 1, first: join(folder, "011.png"), isAll: true });
  expect(await left("011.png", "sub/deep")).toMatchObject({ images: 1, archives: 1 });
  expect(await left("sub")).toMatchObject({ images: 1, archives: 0 });
  const markers = async (path: string) => (await gathered(placesIn([path]))).filter(({ type }) => type === "metadata");
  expect(await markers(folder)).toHaveLength(1);
  expect(await markers(join(folder, "metadata.jsonl"))).toEqual([]);
});

test("a list names images, folders and archives, but no lists", async () => {
  await lay({ "l/a.png": "", "l/a.txt": "a", "d/b.png": "", "l/list.txt": "" });
  await lay({ "l/list.txt": `a.png\r\n\n../d\nlist.txt\n${join(folder, "d/b.png")}\nnone\n` });
  expect(brief(await samples("l/list.txt"))).toEqual([
    ["l/a.png", "a"],
    ["d/b.png", null],
    ["l/list.txt", "bad_source"],
    ["d/b.png", null],
    ["l/none", "bad_source"],
  ]);
});

test("an archive: keys up to the first dot, captions before and behind, links left, long names whole", async () => {
  const long = `${"p".repeat(90)}/${"q".repeat(120)}`;
  const archive = pack();
  const put = (name: string, content: string | Buffer = "") => archive.entry({ name }, content);
  put("x/1.jpg", "one");
  put("x/1.txt", "first");
  put("y/1.jpg");
  put("2.txt", "second");
  put("2.png");
  put("2.seg.png");
  archive.entry({ name: "3.png", type: "symlink", linkname: "/etc/passwd" });
  archive.entry({ name: "3.jpg", type: "link", linkname: "x/1.jpg" });
  archive.entry({ name: "4.png", type: "character-device", devmajor: 1, devminor: 3 });
  put("3.txt", "of a link");
  put(`${long}.webp`);
  put(`${long}.txt`, "long");
  put("../../up.png");
  put("._5.png");
  put("6.png");
  put("6.txt", Buffer.from([0xff, 0xfe]));
  put("6.json", "{}");
  archive.finalize();
  await lay({ "set.tar": Buffer.concat(await gathered(archive as AsyncIterable<Buffer>)) });
  const found = await samples("set.tar");
  expect(brief(found)).toEqual([
    ["set.tar:x/1.jpg", "first"],
    ["set.tar:y/1.jpg", null],
    ["set.tar:2.png", "second"],
    ["set.tar:2.seg.png", "second"],
    [`set.tar:${long}.webp`, "long"],
    ["set.tar:../../up.png", null],
    ["set.tar:6.png", null],
  ]);
  expect(found.map(({ origin }) => origin.memberNumber)).toEqual([0, 2, 4, 5, 10, 12, 14]);
  expect(found[0]).toMatchObject({ range: { offset: 512, length: 3 }, origin: { bytes: 3 } });
  expect(found[6]!.origin.captionError).toBe("6.txt: not UTF-8");
});

test("JSON members are captions where there is no text, by the names of metadata.jsonl", async () => {
  const archive = pack();
  const put = (name: string, content: string) => archive.entry({ name }, content);
  put("1.jpg", "1");
  put("1.json", '\ufeff{"caption": "one", "width": 5}');
  put("2.json", '{"prompt": "two", "tags": "a, b"}');
  put("2.jpg", "22");
  put("3.json", '{"caption": "three"}');
  put("3.txt", "text");
  put("3.jpg", "333");
  put("4.jpg", "4444");
  put("4.json", '{"caption": ["no"]}');
  put("5.jpg", "5");
  put("5.json", "no JSON");
  put("6.jpg", "6");
  put("6.json", '{"uid": 7}');
  archive.finalize();
  const whole = Buffer.concat(await gathered(archive as AsyncIterable<Buffer>));
  await lay({ "a.tar": whole, "b.tgz": gzipSync(whole) });
  const expected = ["one", "two,a, b", "text", null, null, null];
  const found = await samples("a.tar");
  expect(found.map(({ origin }) => origin.caption)).toEqual(expected);
  expect(found.map(({ origin }) => origin.captionError)).toEqual([
    ...[null, null, null],
    expect.stringMatching(/^4.json: caption is \["no"\], not text/),
    expect.stringMatching(/^5.json: /),
    null,
  ]);
  const compressed = await samples("");
  expect(compressed.slice(6).map(({ origin }) => origin.caption)).toEqual(expected);
  expect(compressed.slice(6).map(({ content }) => Buffer.from(content!).toString())).toEqual(
    "1 22 333 4444 5 6".split(" "),
  );
});

test("kohya's metadata JSON, named, is the set", async () => {
  const meta = { "a.png": { caption: "a", tags: "t1, t2" }, b: { tags: "t" }, [join(folder, "z/c.webp")]: {} };
  await lay({ "k/meta.json": JSON.stringify(meta), "k/a.png": "", "k/b.jpg": "", "z/c.webp": "", "bad.json": "[]" });
  expect(brief(await samples("k/meta.json", "bad.json"))).toEqual([
    ["k/a.png", "a,t1, t2"],
    ["k/b.jpg", "t"],
    ["z/c.webp", null],
    ["bad.json", "bad_source"],
  ]);
  expect((await samples("k/meta.json"))[0]!.origin).toMatchObject({ captionFile: join(folder, "k/meta.json") });
});

test("an archive that breaks off gives what came before, and says so", async () => {
  await lay({ "s/a.png": "a", "s/a.txt": "told", "s/b.png": "b".repeat(9000) });
  execFileSync("tar", ["-cf", join(folder, "whole.tar"), "-C", join(folder, "s"), "a.png", "a.txt", "b.png"]);
  await lay({ "t/cut.tar": execFileSync("head", ["-c", "4000", join(folder, "whole.tar")]), "t/z.png": "" });
  expect(brief(await samples("t"))).toEqual([
    ["t/cut.tar:a.png", "told"],
    ["t/cut.tar:b.png", null],
    ["t/cut.tar", "bad_source"],
    ["t/z.png", null],
  ]);
});

test("an archive that is cut anywhere, plain or compressed, gives what came before, and ends no walk", async () => {
  await lay({ "s/a.png": "a", "s/a.txt": "told ".repeat(300), "s/b.png": randomBytes(3000), "s/b.json": "{}" });
  execFileSync("tar", [
    "-cf",
    join(folder, "whole.tar"),
    "-C",
    join(folder, "s"),
    ...["a.png", "a.txt", "b.png", "b.json"],
  ]);
  const whole = await readFile(join(folder, "whole.tar"));
  for (const [name, bytes] of [
    ["t/cut.tar", whole.subarray(0, 8192)],
    ["t/cut.tgz", gzipSync(whole)],
  ] as const) {
    let broken = 0;
    for (let length = 100; length < bytes.length; length += 97) {
      await lay({ [name]: bytes.subarray(0, length), "t/z.png": "" });
      const found = await samples(name, "t/z.png");
      const [faults, images] = [found.filter(({ fault }) => fault), found.filter(({ fault }) => !fault)];
      expect(faults.map(({ origin, fault }) => [origin.source, origin.member, fault!.error])).toEqual(
        faults.map(() => [join(folder, name), null, "bad_source"]),
      );
      expect(faults.length).toBeLessThanOrEqual(1);
      expect(images.map(({ origin }) => origin.member)).toEqual([
        ...["a.png", "b.png"].slice(0, images.length - 1),
        null,
      ]);
      broken += faults.length;
    }
    expect(broken).toBeGreaterThan(10);
    await rm(join(folder, name));
  }
});

test("an unreadable caption leaves its image, with the reason", async () => {
  await lay({ "a.png": "", "a.txt": Uint8Array.of(0xff), "b.png": "", "b.txt": "x".repeat(2 ** 20 + 1) });
  const found = await samples("");
  expect(found.map(({ origin }) => origin.caption)).toEqual([null, null]);
  expect(found[0]!.origin.captionError).toMatch(/not UTF-8/);
  expect(found[1]!.origin.captionError).toMatch(/more than 1048576/);
});

test("links to images are followed, links to folders are not", async () => {
  await lay({ "s/a.png": "abc", "t/.keep": "" });
  await symlink(join(folder, "s/a.png"), join(folder, "t/link.png"));
  await symlink(folder, join(folder, "t/loop"));
  await symlink("/nowhere", join(folder, "t/dangling.png"));
  const found = await samples("t");
  expect(brief(found)).toEqual([
    ["t/dangling.png", null],
    ["t/link.png", null],
  ]);
  expect(found.map(({ origin }) => origin.bytes)).toEqual([null, 3]);
});

test("paths that name nothing are told before anything is read", async () => {
  await lay({ "a.doc": "" });
  await expect(samples("none")).rejects.toMatchObject({ code: "missing_file" });
  await expect(samples("a.doc")).rejects.toMatchObject({ code: "bad_option" });
});

test.skipIf(process.getuid?.() === 0)("a folder that may not be read costs a row", async () => {
  await lay({ "shut/a.png": "", "z/b.png": "" });
  await chmod(join(folder, "shut"), 0);
  expect(brief(await samples(""))).toEqual([
    ["shut", "bad_source"],
    ["z/b.png", null],
  ]);
  await chmod(join(folder, "shut"), 0o700);
});

test("a change of the file's time is seen", async () => {
  await lay({ "a.png": "" });
  await utimes(join(folder, "a.png"), 1000, 2000.5);
  expect((await samples(""))[0]!.origin.mtimeMs).toBe(2_000_500);
});
