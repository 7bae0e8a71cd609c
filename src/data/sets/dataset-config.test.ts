import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { datasetConfigOf, readDatasetConfig } from "./dataset-config.ts";
import { DATASET_OPTIONS, REFUSED, SUBSET_OPTIONS, SUBSET_PLACE } from "./options.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "config-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(text: string, name = "set.toml") {
  await writeFile(join(folder, name), text);
  return readDatasetConfig(join(folder, name));
}

/** The example of sd-scripts' manual, shortened. */
const EXAMPLE = `
[general]
shuffle_caption = true
caption_extension = 'txt'
keep_tokens = 1

[[datasets]]
resolution = 512
batch_size = 4
keep_tokens = 2

  [[datasets.subsets]]
  image_dir = 'hoge'
  class_tokens = 'hoge girl'

  [[datasets.subsets]]
  image_dir = 'fuga'
  keep_tokens = 3
  shuffle_caption = false

  [[datasets.subsets]]
  is_reg = true
  image_dir = 'reg'
  class_tokens = 'human'

[[datasets]]
resolution = [768, 512]
enable_bucket = true
color_aug = false

  [[datasets.subsets]]
  metadata_file = 'piyo_md.json'
  image_dir = 'piyo'
`;

test("what is said lower wins: subset, dataset, general, default", async () => {
  const { datasets, root } = await read(EXAMPLE);
  expect(root).toBe(folder);
  expect(datasets.map(({ batchSize, resolution, enableBucket }) => ({ batchSize, resolution, enableBucket }))).toEqual([
    { batchSize: 4, resolution: { width: 512, height: 512 }, enableBucket: false },
    { batchSize: 1, resolution: { width: 768, height: 512 }, enableBucket: true },
  ]);
  const subsets = datasets.flatMap((dataset) => dataset.subsets);
  expect(subsets.map((s) => [s.imageDir, s.keepTokens, s.shuffleCaption, s.isReg, s.captionExtension])).toEqual([
    ["hoge", 2, true, false, ".txt"],
    ["fuga", 3, false, false, ".txt"],
    ["reg", 2, true, true, ".txt"],
    ["piyo", 1, true, false, ".txt"],
  ]);
  expect(subsets[0]).toMatchObject({ classTokens: "hoge girl", numRepeats: 1, captionSeparator: "," });
  expect(subsets[3]).toMatchObject({ metadataFile: "piyo_md.json" });
});

test("JSON of the same form, where null says nothing", async () => {
  const text = JSON.stringify({
    general: { resolution: 256, class_tokens: null },
    datasets: [{ resolutions: [256, [512, 768]], subsets: [{ image_dir: "a" }] }],
  });
  const { datasets } = await read(text, "set.json");
  expect(datasets[0]!.resolutions).toEqual([
    { width: 256, height: 256 },
    { width: 512, height: 768 },
  ]);
  expect(datasets[0]!.subsets[0]!.classTokens).toBeUndefined();
});

test("an area that is said nearer goes before several that are said further away, and the other way round", () => {
  const subsets = [{ image_dir: "a" }];
  const raw = {
    general: { resolutions: [256, 512] },
    datasets: [{ resolution: 128, subsets }, { resolutions: [64, 96], subsets }, { subsets }],
  };
  const sides = datasetConfigOf(raw, "/", { resolution: 1024 }).datasets.map(
    ({ resolution, resolutions = [resolution!] }) => resolutions.map(({ width }) => width),
  );
  expect(sides).toEqual([[128], [64, 96], [256, 512]]);
});

const set = (general: object, dataset: object = {}, subset: object = {}) =>
  datasetConfigOf(
    { general, datasets: [{ resolution: 512, ...dataset, subsets: [{ image_dir: "a", ...subset }] }] },
    "/",
  );

test.each<[what: string, make: () => unknown, code: string, message: string, hint: RegExp]>([
  [
    "a name nearly right",
    () => set({ shufle_caption: true }),
    "bad_option",
    'general has no option "shufle_caption"',
    /"shuffle_caption"/,
  ],
  [
    "a subset's option above",
    () => set({ image_dir: "a" }),
    "bad_option",
    'general has no option "image_dir"',
    /^It has .*\bcaption_extension\b/,
  ],
  [
    "a dataset's option below",
    () => set({}, {}, { batch_size: 2 }),
    "bad_option",
    'datasets[0].subsets[0] has no option "batch_size"',
    /^It has .*\bcaption_extension\b/,
  ],
  ["a wrong type", () => set({}, { batch_size: "4" }), "bad_option", 'datasets[0].batch_size = "4"', /expected number/],
  ["a rate above 1", () => set({ caption_dropout_rate: 5 }), "bad_option", "general.caption_dropout_rate = 5", /<=1/],
  [
    "an ending with a path",
    () => set({ caption_extension: "../x" }),
    "bad_option",
    'general.caption_extension = "../x"',
    /./,
  ],
  [
    "what is not carried out",
    () => set({}, {}, { color_aug: true }),
    "unsupported",
    "datasets[0].subsets[0].color_aug = true",
    /hues/,
  ],
  [
    "no resolution",
    () => set({}, { resolution: null }),
    "bad_option",
    "datasets[0] has no resolution",
    /resolution = 1024/,
  ],
  [
    "no place",
    () => set({}, {}, { image_dir: null }),
    "bad_option",
    "datasets[0].subsets[0] has neither image_dir nor metadata_file",
    /folder/,
  ],
  [
    "regularisation from a list",
    () => set({}, {}, { is_reg: true, metadata_file: "m.json" }),
    "bad_option",
    'datasets[0].subsets[0] has is_reg = true and metadata_file = "m.json"',
    /leave/,
  ],
  [
    "no datasets",
    () => datasetConfigOf({}, "/"),
    "bad_option",
    "datasets is missing, not a list of tables",
    /\[\[datasets\]\]/,
  ],
  [
    "a misspelt table",
    () => datasetConfigOf({ dataset: [] }, "/"),
    "bad_option",
    `the data set's file has no option "dataset"`,
    /"datasets"/,
  ],
  [
    "a name of every object",
    () => set({ constructor: 1 }),
    "bad_option",
    'general has no option "constructor"',
    /^It has .*\bcaption_extension\b/,
  ],
])("%s is refused by name", (_, make, code, message, hint) => {
  expect(make).toThrow(expect.objectContaining({ code, message, hint: expect.stringMatching(hint) }));
});

test("what asks for nothing is let through", () => {
  const idle = {
    color_aug: false,
    token_warmup_step: 0,
    network_multiplier: 1,
    validation_split: 0,
    alpha_mask: false,
  };
  expect(set(idle).datasets[0]!.subsets.length).toBe(1);
});

test("broken TOML is refused with its place", async () => {
  await expect(read("[general]\nkeep_tokens = = 1")).rejects.toMatchObject({
    code: "bad_file",
    message: expect.stringContaining("set.toml: line 2, column "),
  });
  await expect(readDatasetConfig(join(folder, "none.toml"))).rejects.toMatchObject({ code: "missing_file" });
});

test("the page about data sets shows a file that can be read, and names every option", async () => {
  const page = await readFile(join(import.meta.dirname, "../../../docs/data-sets.md"), "utf8");
  const { datasets } = await read(/^```toml\n([\s\S]*?)^```/m.exec(page)![1]!, "page.toml");
  expect(datasets[0]!.resolutions?.length).toBe(3);
  const options = { ...SUBSET_OPTIONS, ...SUBSET_PLACE, ...DATASET_OPTIONS, ...REFUSED };
  expect(Object.keys(options).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
