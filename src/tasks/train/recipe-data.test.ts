/** @file What a recipe says of its data: tables, a file of their own, or the arguments of sd-scripts' command line. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scanned } from "../../data/sets/index.ts";
import { encodePng } from "../../formats/index.ts";
import { readRecipe } from "../../training/recipe/index.ts";
import { DATA_KEY_NAMES, datasetOf, overruledFindings } from "./recipe-data.ts";
import { type RecipeFile, readRecipeFile } from "./recipe-file.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "recipe-data-"));
  const png = encodePng({ width: 64, height: 64, rgb: new Uint8Array(3 * 64 * 64) });
  for (const folder of ["set", "img/3_lumi girl", "reg/1_girl"]) {
    await mkdir(join(root, folder), { recursive: true });
    await writeFile(join(root, folder, "a.png"), png);
    await writeFile(join(root, folder, "a.txt"), `${folder.slice(-4)}, red`);
  }
  await writeFile(join(root, "meta.json"), JSON.stringify({ a: { caption: "told elsewhere" } }));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function read(text: string): Promise<RecipeFile> {
  const path = join(root, "recipe.toml");
  await writeFile(path, text);
  return readRecipeFile({ recipe: path, set: {} } as Parameters<typeof readRecipeFile>[0]);
}

const SUBSET = '[[datasets.subsets]]\nimage_dir = "set"\n';

test("train_batch_size is that of data sets that say none, in the recipe and in a file that it names", async () => {
  const batches = async (text: string) =>
    (await datasetOf(await read(text))).datasets.map(({ batchSize }) => batchSize);
  const two = `[[datasets]]\nresolution = 64\n${SUBSET}[[datasets]]\nresolution = 64\nbatch_size = 3\n${SUBSET}`;
  expect(await batches(`train_batch_size = 5\n${two}`)).toEqual([5, 3]);
  expect(await batches(`train_batch_size = 5\n[general]\nbatch_size = 2\n${two}`)).toEqual([2, 3]);
  expect(await batches(two)).toEqual([1, 3]);
  await writeFile(join(root, "data.toml"), two);
  const file = await read('dataset_config = "data.toml"\ntrain_batch_size = 4\n');
  expect((await datasetOf(file)).datasets.map(({ batchSize }) => batchSize)).toEqual([4, 3]);
  // sd-scripts' name for it is a key of a recipe.
  expect(() => readRecipe({ ...file.raw, learning_rate: 1e-4 }, { dataKeys: DATA_KEY_NAMES })).not.toThrow();
});

test("a key for all data sets that none of them takes is told", async () => {
  const told = async (text: string) => {
    const file = await read(text);
    return overruledFindings(file, await datasetOf(file)).map(({ message }) => message);
  };
  const set = (own: string, ofSubset = "") => `[[datasets]]\nresolution = 64\n${own}\n${SUBSET}${ofSubset}\n`;
  const other = "is set for all data sets, and each of them says another";
  const batches = "train_batch_size = 5\n";
  expect(await told(batches + set("batch_size = 2") + set("batch_size = 3"))).toEqual([
    `train_batch_size = 5 ${other} batch_size`,
  ]);
  expect(await told(`${batches}[general]\nbatch_size = 2\n${set("")}`)).toHaveLength(1);
  expect(await told(batches + set("batch_size = 2") + set(""))).toEqual([]);
  // The same, and what programs write unasked.
  expect(await told(batches + set("batch_size = 5"))).toEqual([]);
  expect(await told(`train_batch_size = 1\n${set("batch_size = 2")}`)).toEqual([]);
  expect(await told(`resolution = 128\n${set("")}`)).toEqual([`resolution = 128 ${other} resolution`]);
  expect(await told(`resolution = "64,64"\n${set("")}`)).toEqual([]);
  expect(await told(`resolution = 128\n${set("").replace("resolution = 64", "resolutions = [64, 96]")}`)).toHaveLength(
    1,
  );
  expect(await told(`keep_tokens = 2\n${set("", "keep_tokens = 1")}`)).toEqual([
    `keep_tokens = 2 ${other} keep_tokens`,
  ]);
  expect(
    await told(`keep_tokens = 2\n${set("", "keep_tokens = 1")}${SUBSET.replace('"set"', '"reg/1_girl"')}`),
  ).toEqual([]);
  expect(await told(SAVED)).toEqual([]);
});

/** What kohya's graphical interface writes for a LoRA, its folders and its optimiser's name apart. */
const SAVED = `
bucket_no_upscale = true
bucket_reso_steps = 64
cache_latents = true
caption_extension = ".txt"
clip_skip = 1
dynamo_backend = "no"
enable_bucket = true
epoch = 2
gradient_accumulation_steps = 1
gradient_checkpointing = true
huber_c = 0.1
huber_scale = 1
huber_schedule = "snr"
keep_tokens = 1
learning_rate = 0.0001
loss_type = "l2"
lr_scheduler = "cosine"
lr_scheduler_args = []
lr_scheduler_num_cycles = 1
lr_scheduler_power = 1
lr_warmup_steps = 10
max_bucket_reso = 2048
max_data_loader_n_workers = 0
max_grad_norm = 1
max_timestep = 1000
max_token_length = 225
max_train_steps = 100
min_bucket_reso = 256
mixed_precision = "bf16"
multires_noise_discount = 0.3
multires_noise_iterations = 0
network_alpha = 1
network_args = []
network_dim = 8
network_module = "networks.lora"
no_half_vae = true
noise_offset_type = "Original"
optimizer_args = []
optimizer_type = "AdamW"
output_dir = "out"
output_name = "last"
pretrained_model_name_or_path = "model.safetensors"
prior_loss_weight = 0.5
reg_data_dir = "reg"
resolution = "256,256"
sample_sampler = "euler_a"
save_every_n_epochs = 1
save_model_as = "safetensors"
save_precision = "fp16"
shuffle_caption = true
text_encoder_lr = [0.0001, 0.0001]
train_batch_size = 4
train_data_dir = "img"
unet_lr = 0.0001
vae = ""
xformers = true
`;

test("settings that sd-scripts or a program around it has saved are a recipe", async () => {
  const file = await read(SAVED);
  const recipe = readRecipe(file.raw, { dataKeys: DATA_KEY_NAMES });
  expect(recipe.network).toMatchObject({ rank: 8, alpha: 1 });
  const config = await datasetOf(file);
  expect(config.datasets).toHaveLength(1);
  expect(config.datasets[0]).toMatchObject({
    resolution: { width: 256, height: 256 },
    batchSize: 4,
    enableBucket: true,
    minBucketReso: 256,
    priorLossWeight: 0.5,
    subsets: [
      { imageDir: join(root, "img/3_lumi girl"), numRepeats: 3, classTokens: "lumi girl", keepTokens: 1, isReg: false },
      { imageDir: join(root, "reg/1_girl"), isReg: true, shuffleCaption: true },
    ],
  });
  const { items } = await scanned(config);
  expect(items.map(({ lossWeight }) => lossWeight)).toEqual([1, 0.5]);
});

test("train_data_dir with in_json is one folder, whose captions the file has", async () => {
  const file = await read('train_data_dir = "set"\nin_json = "meta.json"\nresolution = 64\ndataset_repeats = 4\n');
  const { datasets } = await datasetOf(file);
  expect(datasets[0]!.subsets).toMatchObject([
    { imageDir: join(root, "set"), metadataFile: join(root, "meta.json"), numRepeats: 4 },
  ]);
});

test("a folder may stand where a data set's file does", async () => {
  const file = await read('dataset_config = "img"\nresolution = 64\nenable_bucket = true\n');
  const { datasets } = await datasetOf(file);
  expect(datasets).toMatchObject([{ enableBucket: true, subsets: [{ imageDir: join(root, "img/3_lumi girl") }] }]);
});

test.each([
  ['[dataset]\nconfig = "d.toml"\nresolution = 64\n', /\[dataset\] resolution beside the data of d\.toml/],
  ['dataset_config = "d.toml"\n[general]\nshuffle_caption = true\n', /\[general\] beside the data of d\.toml/],
  ['dataset_config = "d.toml"\nreg_data_dir = "reg"\n', /reg_data_dir beside the data of d\.toml/],
  ['dataset_config = "img"\nin_json = "meta.json"\n', /in_json beside the data of img/],
  [`reg_data_dir = "reg"\n[[datasets]]\nresolution = 64\n${SUBSET}`, /reg_data_dir beside the data of \[\[datasets/],
  [`[dataset]\nkeep_tokens = 1\n[[datasets]]\n${SUBSET}`, /\[dataset\] keep_tokens beside the data of \[\[datasets/],
  ['train_data_dir = "img"\n[dataset]\nkeep_tokens = 1\n', /\[dataset\] keep_tokens beside the data of img/],
  ['train_data_dir = "set"\nin_json = "meta.json"\nreg_data_dir = "reg"\n', /reg_data_dir beside the data of set/],
])("what nobody would read beside the data is refused", async (text, words) => {
  await expect(datasetOf(await read(text))).rejects.toThrow(words);
});

test.each(["train_data_dir", "dataset_config"])("[general] holds for the folders of %s", async (key) => {
  const file = (option: string) => read(`${key} = "img"\nresolution = 64\n[general]\n${option}\n`);
  const { datasets } = await datasetOf(await file("keep_tokens = 2"));
  expect(datasets[0]!.subsets[0]).toMatchObject({ keepTokens: 2, imageDir: join(root, "img/3_lumi girl") });
  await expect(datasetOf(await file("keep_token = 2"))).rejects.toThrow(/general has no option "keep_token"/);
});

test("data that are named twice, or folders that are none, are refused with their names", async () => {
  const twice = await read(`train_data_dir = "img"\n[[datasets]]\nresolution = 64\n${SUBSET}`);
  await expect(datasetOf(twice)).rejects.toThrow(/names its data twice: datasets and train_data_dir/);
  const none = await read('train_data_dir = "img"\nreg_data_dir = "set"\nresolution = 64\n');
  await expect(datasetOf(none)).rejects.toThrow(/set holds no such folder as 1_girl/);
  const odd = await read('train_data_dir = "img"\nresolution = "256x256"\n');
  await expect(datasetOf(odd)).rejects.toThrow(/the recipe.resolution = "256x256"/);
});
