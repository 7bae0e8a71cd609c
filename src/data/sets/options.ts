/**
 * @file The options of a data set, under the names that sd-scripts' (kohya's) dataset TOML gives them, with its defaults; and ours
 * beside them. In code a name is the same in camel case.
 */

import { z } from "zod";

const rate = z.number().min(0).max(1);
const count = z.int().min(0);
const side = z.int().min(64).max(2048);
/** As on sd-scripts' command line: "1024" or "832,1216", width first. */
const argument = z
  .string()
  .regex(/^\s*\d+\s*(,\s*\d+\s*)?$/, 'needs a number, two in brackets, or text such as "832,1216"')
  .transform((text) => text.split(",").map(Number));
const area = z
  .union([side, z.tuple([side, side]), argument.pipe(z.union([z.tuple([side, side]), z.tuple([side])]))])
  .transform((given) => {
    const [width, height = width] = [given].flat() as [number, number?];
    return { width, height };
  });

/** What one folder or metadata file may say, and `[[datasets]]` or `[general]` for all of theirs. */
export const SUBSET_OPTIONS = {
  num_repeats: count.default(1).describe("how often an epoch has each image; every repeat has draws of its own"),
  class_tokens: z.string().optional().describe("caption of images without one"),
  caption_extension: z
    .string()
    .regex(/^\.?[^./\\]+$/)
    .transform((ending) => (ending.startsWith(".") ? ending : `.${ending}`))
    .optional()
    .describe("ending of caption files; without one, `.caption` is looked for as in sd-scripts, then `.txt`"),
  shuffle_caption: z.boolean().default(false).describe("shuffles the tags between `caption_separator`"),
  caption_separator: z.string().min(1).default(",").describe("what tags stand between"),
  keep_tokens: count.default(0).describe("so many first tags keep their place"),
  keep_tokens_separator: z.string().optional().describe("tags before it keep their place, and tags after a second one"),
  secondary_separator: z.string().optional().describe("holds tags together; becomes the separator at the end"),
  enable_wildcard: z.boolean().default(false).describe("one line of a caption of many, one of each `{a|b}`"),
  caption_prefix: z.string().optional().describe("words before each caption"),
  caption_suffix: z.string().optional().describe("words after each caption"),
  caption_dropout_rate: rate.default(0).describe("share of examples without a caption"),
  caption_dropout_every_n_epochs: count.default(0).describe("every so many epochs, no example has a caption"),
  caption_tag_dropout_rate: rate.default(0).describe("share of tags left out"),
  flip_aug: z.boolean().default(false).describe("flips half of the examples"),
  random_crop: z.boolean().default(false).describe("cuts at random places instead of the middle"),
  resize_interpolation: z
    .enum(["lanczos", "cubic", "bicubic", "linear", "bilinear", "nearest"])
    .default("lanczos")
    .describe("how pictures are made smaller or larger"),
  cache_info: z.boolean().optional().describe("for the sake of old files: only headers are read, every time"),
  recursive: z.boolean().default(false).describe("ours: pictures in folders below count too"),
};

/** What a subset alone may say. */
export const SUBSET_PLACE = {
  image_dir: z.string().min(1).optional().describe("folder of images, with captions beside them or in metadata.jsonl"),
  metadata_file: z.string().min(1).optional().describe("kohya's JSON of captions and tags by path, or a .jsonl file"),
  is_reg: z
    .boolean()
    .default(false)
    .describe("regularisation images: an epoch has as many of them as of all others in their dataset"),
};

/** What `[[datasets]]` may say, and `[general]` for all of them. */
export const DATASET_OPTIONS = {
  resolution: area.optional().describe('one target area: a side, [width, height], or "width,height"'),
  resolutions: z.array(area).min(1).max(16).optional().describe("ours: several areas, in place of `resolution`"),
  resolution_choice: z
    .enum(["all", "one"])
    .default("all")
    .describe("ours: an epoch has each picture at all areas that it has pixels for, or at one of them, drawn anew"),
  batch_size: z.int().min(1).max(4096).default(1).describe("examples of one step"),
  enable_bucket: z.boolean().default(false).describe("sizes of many aspects; else all are cut to `resolution`"),
  bucket_no_upscale: z.boolean().default(false).describe("nothing is enlarged; buckets follow from the images"),
  bucket_reso_steps: z.int().min(8).max(2048).default(64).describe("sides are multiples of it"),
  min_bucket_reso: side.optional().describe("least side, 64 to 2048 [default: half of the area's]"),
  max_bucket_reso: side.optional().describe("largest side, 64 to 2048 [default: twice the area's]"),
  bucket_list: z
    .enum(["computed", "sdxl"])
    .default("computed")
    .describe("ours: sdxl takes the 40 sizes that SDXL was trained with, for a resolution of 1024"),
  prior_loss_weight: z
    .number()
    .min(0)
    .default(1)
    .describe("weight of regularisation images in the loss; in sd-scripts an argument of the trainer"),
};

/** Options of sd-scripts that are not carried out: the values that ask for nothing, and what to do instead. */
export const REFUSED: Readonly<Record<string, { readonly idle: readonly unknown[]; readonly instead: string }>> = {
  color_aug: {
    idle: [false],
    instead:
      "It would shift hues and brightness, which this project measures and teaches; prepare such copies as files.",
  },
  face_crop_aug_range: { idle: [], instead: "Cut faces out beforehand, or use random_crop." },
  alpha_mask: { idle: [false], instead: "Transparency is laid over white; the loss has no mask." },
  conditioning_data_dir: { idle: [], instead: "ControlNets are not trained here." },
  token_warmup_min: { idle: [0, 1], instead: "Use caption_tag_dropout_rate." },
  token_warmup_step: { idle: [0], instead: "Use caption_tag_dropout_rate." },
  network_multiplier: { idle: [1], instead: "Give subsets other num_repeats." },
  validation_split: { idle: [0], instead: "Keep validation images in a folder and a file of their own." },
  validation_seed: { idle: [], instead: "Keep validation images in a folder and a file of their own." },
  custom_attributes: { idle: [], instead: "No part of the trainer would read them." },
  debug_dataset: { idle: [false], instead: "The scan's report says what a data set holds." },
};

/** Every name that `[general]` may have, those among them that are refused. */
export const DATA_OPTION_NAMES: readonly string[] = [SUBSET_OPTIONS, DATASET_OPTIONS, REFUSED].flatMap(Object.keys);

type Camel<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S;

/** The same options under the names that code has for them. */
export type Camelled<T> = { readonly [K in keyof T as Camel<K & string>]: T[K] };

export function camelled<T extends object>(options: T): Camelled<T> {
  const name = (key: string) => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [name(key), value])) as Camelled<T>;
}

export const subsetSchema = z.object({ ...SUBSET_OPTIONS, ...SUBSET_PLACE });
export const datasetSchema = z.object(DATASET_OPTIONS);

export type SubsetOptions = Camelled<z.output<typeof subsetSchema>>;
export type DatasetOptions = Camelled<z.output<typeof datasetSchema>>;
