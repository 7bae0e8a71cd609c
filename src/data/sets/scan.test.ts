import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { datasetConfigOf } from "./dataset-config.ts";
import { batchesOf } from "./epochs.ts";
import { captionFor, loadImage, viewFor } from "./examples.ts";
import { folderConfig } from "./folder-config.ts";
import { entryOfLine } from "./metadata.ts";
import { reportLines } from "./report.ts";
import { scan, scanned } from "./scan.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sets-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Writes files of a set: pictures given as sides and a colour, anything else as text. */
async function write(files: Record<string, string | [width: number, height: number, colour?: string]>): Promise<void> {
  const writing = Object.entries(files).map(async ([name, content]) => {
    const path = join(root, name);
    await mkdir(dirname(path), { recursive: true });
    if (typeof content === "string") await writeFile(path, content);
    else {
      const [width, height, background = "red"] = content;
      await sharp({ create: { width, height, channels: 3, background } }).toFile(path);
    }
  });
  await Promise.all(writing);
}

test("a folder with captions beside its images, from names to pixels", async () => {
  await write({
    "plain/b.png": [128, 128],
    "plain/a.jpg": [300, 100, "#00ff00"],
    "plain/a.txt": "a wide green field, \nsecond line",
    "plain/b.caption": "a red square",
    "plain/b.txt": "not this one",
    "plain/notes.md": "no image",
    "plain/.hidden.png": "hidden",
  });
  const set = await scanned(
    await folderConfig(join(root, "plain"), { resolution: 128, bucket_reso_steps: 16, batch_size: 4 }),
  );
  expect(set.items.map(({ image, bucket }) => [image.key, image.caption, bucket.width, bucket.height])).toEqual([
    ["a.jpg", "a wide green field,", 208, 64],
    ["b.png", "a red square", 128, 128],
  ]);
  const batches = batchesOf(set, { seed: 1, epoch: 0 });
  expect(batches.map(({ examples }) => examples.length)).toEqual([1, 1]);
  const wide = batches.find(({ bucket }) => bucket.width === 208)!;
  const moment = { seed: 1, epoch: 0 };
  expect(captionFor(wide.examples[0]!, moment)).toBe("a wide green field,");
  const loaded = await loadImage(wide.examples[0]!, moment);
  // 300 x 100 covers 208 x 64 at 208 x 69.3.
  expect(loaded.sizes).toEqual({
    originalHeight: 100,
    originalWidth: 300,
    cropTop: 2,
    cropLeft: 0,
    targetHeight: 64,
    targetWidth: 208,
  });
  expect(loaded.rgb.length).toBe(3 * 208 * 64);
  // JPEG keeps a flat colour to within its rounding.
  for (const [channel, value] of [0, 255, 0].entries())
    expect(Math.abs(loaded.rgb[channel]! - value)).toBeLessThanOrEqual(2);
});

test("kohya's folders: repeats and class tokens by name, regularisation as often as the rest", async () => {
  await write({
    "gui/img/3_sks girl/a.png": [64, 64],
    "gui/img/3_sks girl/b.png": [64, 64],
    "gui/img/3_sks girl/b.txt": "sks girl, smile",
    "gui/img/1_dog/c.png": [64, 64],
    "gui/img/notes/d.png": [64, 64],
    "gui/reg/1_girl/r1.png": [64, 64],
    "gui/reg/1_girl/r2.png": [64, 64],
    "gui/log/nothing.txt": "",
  });
  const set = await scanned(await folderConfig(join(root, "gui"), { resolution: 64, prior_loss_weight: 0.5 }));
  expect(set.items.map(({ image, lossWeight }) => [image.key, image.caption, image.repeats, lossWeight])).toEqual([
    ["img/1_dog/c.png", "dog", 1, 1],
    ["img/3_sks girl/a.png", "sks girl", 3, 1],
    ["img/3_sks girl/b.png", "sks girl, smile", 3, 1],
    // Seven in all, of two: four and three.
    ["reg/1_girl/r1.png", "girl", 4, 0.5],
    ["reg/1_girl/r2.png", "girl", 3, 0.5],
  ]);
  expect(batchesOf(set, { seed: 0, epoch: 0 }).length).toBe(14);
});

test("Hugging Face's imagefolder, found by its metadata.jsonl", async () => {
  await write({
    "hub/images/a.png": [64, 64],
    "hub/b.png": [64, 64],
    "hub/metadata.jsonl":
      '\ufeff{"file_name": "images/a.png", "text": "a \\"red\\" square"}\n\n{"file_name": "b.png", "prompt": "b"}\n{"file_name": "none.png"}\n',
  });
  const set = await scanned(await folderConfig(join(root, "hub"), { resolution: 64 }));
  expect(set.items.map(({ image }) => [image.key, image.caption])).toEqual([
    ["images/a.png", 'a "red" square'],
    ["b.png", "b"],
  ]);
  expect(set.report.datasets[0]!.subsets[0]).toMatchObject({ images: 3, unreadable: { count: 1 } });
});

test("kohya's metadata: captions with tags, names without endings", async () => {
  await write({
    "ft/a.png": [64, 64],
    "ft/b.webp": [64, 64],
    "ft/c.png": [64, 64],
    "ft/below/d.png": [64, 64],
    "meta.json": JSON.stringify({
      "a.png": { caption: "a girl", tags: "1girl, solo", train_resolution: [512, 512] },
      b: { tags: "2girls" },
      "c.png": {},
      "below/d": { tags: "1boy" },
    }),
    "lines.jsonl": '{"image_path": "a.png", "caption": "one\\ntwo", "tags": "x, y"}',
  });
  const read = async (subset: object) => {
    const config = datasetConfigOf({ datasets: [{ resolution: 64, subsets: [{ image_dir: "ft", ...subset }] }] }, root);
    const { items, report } = await scanned(config);
    return { captions: items.map(({ image }) => image.caption), report: report.datasets[0]!.subsets[0]! };
  };
  const object = await read({ metadata_file: "meta.json" });
  expect(object.captions).toEqual(["a girl,1girl, solo", "2girls", "", "1boy"]);
  expect(object.report.withoutCaption).toEqual({ count: 1, first: [join(root, "ft/c.png")] });
  const lines = await read({ metadata_file: "lines.jsonl", enable_wildcard: true });
  expect(lines.captions).toEqual(["one,x, y\ntwo,x, y"]);
});

test("tags that are a list of strings are a text", () => {
  const entry = entryOfLine('{"file_name": "a.png", "text": "one", "tags": ["x", "y "]}', "line 1");
  expect(entry).toEqual({ path: "a.png", caption: "one", tags: "x, y" });
});

test.each([
  ["[]", "is no JSON object"],
  ['{"a.png": 3}', "a.png is no JSON object"],
  ['{"a.png": {"tags": ["x", 3]}}', 'a.png: tags is ["x",3], not text'],
  ["{", "broken.json: "],
])("metadata %s is refused by name", async (text, message) => {
  await write({ "broken.json": text });
  const subsets = [{ metadata_file: "broken.json" }];
  const refused = scanned(datasetConfigOf({ datasets: [{ resolution: 64, subsets }] }, root));
  await expect(refused).rejects.toMatchObject({ code: "bad_file", message: expect.stringContaining(message) });
});

test("lines of metadata are refused by number", async () => {
  await write({ "broken.jsonl": '{"file_name": "a.png"}\n{"text": "b"}\n' });
  const subsets = [{ metadata_file: "broken.jsonl" }];
  const refused = scanned(datasetConfigOf({ datasets: [{ resolution: 64, subsets }] }, root));
  await expect(refused).rejects.toMatchObject({ message: expect.stringContaining("line 2 names no image") });
});

test("the report counts what was left out and what may surprise, and names it", async () => {
  const noise = sharp(Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251)), {
    raw: { width: 64, height: 64, channels: 3 },
  });
  await write({
    "odd/good.png": [256, 256],
    "odd/good.txt": "good",
    "odd/small.png": [100, 100],
    "odd/small.txt": "  \n",
    "odd/thin.png": [300, 20],
    "odd/text.png": "no picture",
    "odd/latin.png": [256, 256],
    "odd/sub/deep.png": [256, 256],
  });
  await writeFile(join(root, "odd/latin.txt"), Uint8Array.of(0x63, 0x61, 0x66, 0xe9));
  const png = await noise.png().toBuffer();
  await writeFile(join(root, "odd/torn.png"), png.subarray(0, png.length >> 1));
  await sharp({ create: { width: 256, height: 256, channels: 4, background: "#ff000080" } }).toFile(
    join(root, "odd/veil.png"),
  );
  const dataset = { resolution: 128, enable_bucket: true, bucket_no_upscale: true, bucket_reso_steps: 16 };
  const subsets = [{ image_dir: "odd" }, { image_dir: "odd", num_repeats: 2 }];
  const config = datasetConfigOf({ datasets: [{ ...dataset, subsets }] }, root);
  const { items, report } = await scanned(config, { pixels: true });
  expect(items.map(({ image }) => image.key)).toEqual(["odd/good.png", "odd/small.png", "odd/veil.png"]);
  const [first, second] = report.datasets[0]!.subsets;
  const at = (...names: string[]) => ({ count: names.length, first: names.map((name) => join(root, "odd", name)) });
  expect(first).toMatchObject({
    images: 7,
    emptyCaption: at("small.png"),
    withoutCaption: at("thin.png", "veil.png"),
    withAlpha: at("veil.png"),
    enlarged: at(),
    tooSmall: { first: [`${join(root, "odd/thin.png")}: 300x20`] },
  });
  expect(first!.unreadable.first.map((reason) => reason.split(":")[0])).toEqual(
    ["latin.txt", "text.png", "torn.png"].map((name) => join(root, "odd", name)),
  );
  expect(second!.notes).toEqual(["named twice in one dataset: left out, as sd-scripts does"]);
  expect(report.datasets[0]!.buckets).toEqual([
    { bucket: { width: 96, height: 96 }, images: 1, examples: 1 },
    { bucket: { width: 128, height: 128 }, images: 2, examples: 2 },
  ]);
  const text = reportLines(report).join("\n");
  for (const line of [
    "odd: 7 images x 1",
    "1 too small, left out",
    "3 unreadable",
    "96x96: 1 images, 1 examples an epoch",
  ]) {
    expect(text).toContain(line);
  }
  // Headers alone do not tell a torn file.
  expect((await scanned(config)).items.map(({ image }) => image.key)).toContain("odd/torn.png");
  const enlarging = datasetConfigOf({ datasets: [{ ...dataset, bucket_no_upscale: false, subsets }] }, root);
  const enlarged = await scanned(enlarging);
  expect(enlarged.report.datasets[0]!.subsets[0]!.enlarged.first).toContain(join(root, "odd/small.png"));
  const deep = await scanned(
    datasetConfigOf({ datasets: [{ ...dataset, subsets: [{ ...subsets[0], recursive: true }] }] }, root),
  );
  expect(deep.items.map(({ image }) => image.key)).toContain("odd/sub/deep.png");
});

test("captions of several lines are told where only the first is used", async () => {
  await write({
    "lined/a.png": [64, 64],
    "lined/a.txt": "first\n\nsecond\n",
    "lined/b.png": [64, 64],
    "lined/b.txt": "alone\n\n",
    "lined.jsonl": '{"file_name": "lined/a.png", "text": "one\\ntwo"}\n',
  });
  const reportOf = async (subset: object) => {
    const { items, report } = await scanned(
      datasetConfigOf({ datasets: [{ resolution: 64, subsets: [subset] }] }, root),
    );
    return { captions: items.map(({ image }) => image.caption), text: reportLines(report).join("\n") };
  };
  const told = /1 with a caption of several lines, of which only the first is used \(enable_wildcard = true .*a\.png/;
  const beside = await reportOf({ image_dir: "lined" });
  expect(beside).toEqual({ captions: ["first", "alone"], text: expect.stringMatching(told) });
  expect((await reportOf({ metadata_file: "lined.jsonl" })).text).toMatch(told);
  const drawn = await reportOf({ image_dir: "lined", enable_wildcard: true });
  expect(drawn.captions).toEqual(["first\nsecond", "alone"]);
  expect(drawn.text).not.toContain("several lines");
});

test("several areas: each image at those that it has pixels for, and at the smallest anyhow", async () => {
  await write({ "areas/large.png": [600, 600], "areas/middle.png": [300, 300], "areas/small.png": [90, 90] });
  const sizes = async (options: object) => {
    const dataset = {
      resolutions: [512, 128, 256],
      enable_bucket: true,
      subsets: [{ image_dir: "areas" }],
      ...options,
    };
    const { items } = await scanned(datasetConfigOf({ datasets: [dataset] }, root));
    return items.map(({ image, bucket }) => `${image.key.slice(6)} ${bucket.width}`);
  };
  expect(await sizes({})).toEqual([
    ...["large.png 128", "large.png 256", "large.png 512"],
    ...["middle.png 128", "middle.png 256", "small.png 128"],
  ]);
  // Not enlarged, the middle one is its own 256 at both larger areas, and the small one its own 64 at all.
  expect(await sizes({ bucket_no_upscale: true })).toEqual([
    ...["large.png 128", "large.png 256", "large.png 512"],
    ...["middle.png 128", "middle.png 256", "small.png 64"],
  ]);
});

test("images at one of their sizes an epoch are counted as often as they come on average", async () => {
  await write({ "one/large.png": [600, 600], "one/small.png": [90, 90] });
  const subsets = [{ image_dir: "one", num_repeats: 3 }];
  const config = datasetConfigOf({ datasets: [{ resolutions: [64, 128], resolution_choice: "one", subsets }] }, root);
  const lines = reportLines((await scanned(config)).report);
  expect(lines).toContain("  64x64: 2 images, about 5 examples an epoch");
  expect(lines).toContain("  128x128: 1 images, about 2 examples an epoch");
});

test("progress adds up, and a set is the same however often it is scanned", async () => {
  const files = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`many/${i}.png`, [64, 64]] as const));
  await write(files as Record<string, [number, number]>);
  const config = await folderConfig(join(root, "many"), { resolution: 64 });
  const done: number[] = [];
  const walk = scan(config);
  let step = await walk.next();
  for (; !step.done; step = await walk.next()) {
    expect(step.value.total).toBe(40);
    done.push(step.value.done);
  }
  expect(done.at(-1)).toBe(40);
  expect(done).toEqual([...done].sort((a, b) => a - b));
  expect(step.value).toEqual(await scanned(config));
});

test("flips and random crops: within the picture, told truly, the same at every call", async () => {
  const width = 192;
  // Red tells the column, so the pixels themselves say where they come from.
  const ramp = Buffer.from(Array.from({ length: width * 128 }, (_, i) => [i % width, 0, 0]).flat());
  await mkdir(join(root, "ramp"), { recursive: true });
  await sharp(ramp, { raw: { width, height: 128, channels: 3 } }).toFile(join(root, "ramp/a.png"));
  const subsets = [{ image_dir: "ramp", flip_aug: true, random_crop: true }];
  const set = await scanned(datasetConfigOf({ datasets: [{ resolution: 128, subsets }] }, root));
  const seen = new Set<string>();
  const example = { item: set.items[0]!, repeat: 0 };
  for (let epoch = 0; epoch < 40; epoch++) {
    const { flipped, left } = viewFor(example, { seed: 3, epoch });
    seen.add(`${flipped}`).add(`${left}`);
  }
  for (let epoch = 0; epoch < 6; epoch++) {
    const moment = { seed: 3, epoch };
    const { rgb, sizes, view } = await loadImage(example, moment);
    expect(rgb[0]).toBe(view.flipped ? view.left + 127 : view.left);
    expect(sizes.cropLeft).toBe(view.flipped ? width - 1 - rgb[0]! : rgb[0]);
    expect(sizes).toMatchObject({ cropTop: 0, originalWidth: width, originalHeight: 128, targetWidth: 128 });
    expect(viewFor(example, moment)).toEqual(view);
  }
  expect(seen.has("true") && seen.has("false")).toBe(true);
  expect(seen.size).toBeGreaterThan(20);
});

test.each([
  ["nothing", {}, "bad_file", "holds no images"],
  ["both", { "both/a.png": "x", "both/1_b/c.png": "x" }, "bad_file", "holds images beside folders such as"],
  ["absent", undefined, "missing_file", "no such folder"],
])("a folder with %s is refused", async (name, files, code, message) => {
  if (files !== undefined) await mkdir(join(root, name), { recursive: true });
  await write(files ?? {});
  const refused = folderConfig(join(root, name), { resolution: 64 });
  await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
});

test("folders of images without repeats in their names are told, beside those that have them", async () => {
  for (const folder of ["10_a", "girl_b", "0_c", "img", "reg/1_girl", "reg/loose"]) {
    await write({ [`passed/${folder}/a.png`]: [64, 64] });
  }
  await write({ "passed/notes/read.me": "no image", "unnumbered/girl_b/a.png": [64, 64] });
  const { items, report } = await scanned(await folderConfig(join(root, "passed"), { resolution: 64 }));
  expect(items.map(({ image }) => image.key)).toEqual(["10_a/a.png", "reg/1_girl/a.png"]);
  const [first, second, third] = ["0_c", "girl_b", "img"].map((name) => join(root, "passed", name));
  expect(reportLines(report).at(-1)).toBe(
    `  4 folders left out, whose name does not begin with repeats above 0 (as 10_girl does): ${first}, ${second}, ${third}, …`,
  );
  await expect(folderConfig(join(root, "unnumbered"), { resolution: 64 })).rejects.toThrow(/names, such as .*girl_b$/);
});

test("regularisation images without others beside them are told to be left out", async () => {
  await write({ "alone/a.png": [64, 64], "others/b.png": [64, 64] });
  const reg = { image_dir: "alone", is_reg: true };
  const of = async (...subsets: object[]) => {
    const { items, report } = await scanned(datasetConfigOf({ datasets: [{ resolution: 64, subsets }] }, root));
    return [items.map(({ image }) => image.repeats), report.datasets[0]!.subsets.flatMap(({ notes }) => notes)];
  };
  expect(await of(reg)).toEqual([[0], ["left out: its dataset has no images that are not"]]);
  expect(await of(reg, { image_dir: "others" })).toEqual([[1, 1], []]);
});

test("what a folder has in it and its subset does not speak of is told", async () => {
  await write({
    "unread/a.png": [64, 64],
    "unread/metadata.jsonl": '{"file_name": "a.png", "text": "told here"}\n',
    "numbered/3_lumi/a.png": [64, 64],
    "told/a.png": [64, 64],
    "told/a.txt": "told there",
    "told/metadata.jsonl": "{}",
  });
  const notes = async (subset: object) => {
    const { report } = await scanned(datasetConfigOf({ datasets: [{ resolution: 64, subsets: [subset] }] }, root));
    return report.datasets[0]!.subsets[0]!.notes;
  };
  expect(await notes({ image_dir: "unread" })).toEqual([
    'its metadata.jsonl is not read: set metadata_file = "unread/metadata.jsonl"',
  ]);
  expect(await notes({ image_dir: "unread", metadata_file: "unread/metadata.jsonl" })).toEqual([]);
  expect(await notes({ image_dir: "numbered" })).toEqual([
    "its images lie in folders such as 3_lumi: name it as train_data_dir, or each of them as image_dir",
  ]);
  expect(await notes({ image_dir: "told" })).toEqual([]);
});
