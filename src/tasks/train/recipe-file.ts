/**
 * @file A recipe, as a file or an object: what learns, from which model, on which data. The objective's and the learner's keys are sd-scripts'
 * (`src/training/recipe/`); those of new models and autoencoders are ours.
 */

import { readFile } from "node:fs/promises";
import { basename, dirname, extname, isAbsolute, join, resolve } from "node:path";
import { z } from "zod";
import { IllustriousError } from "../../base/error.ts";
import { encodeToml, parseToml } from "../../formats/toml.ts";
import type { SdxlConfigs, VaeConfig } from "../../models/sdxl/config.ts";
import { parseConfigs, parseVaeConfig } from "../../models/sdxl/config-json.ts";
import { withSettings } from "../../trainer/changed-recipe.ts";
import type { TrainOptions } from "./train-options.ts";

const crop = z.tuple([z.int().min(16).max(2048), z.int().min(1).max(1024), z.number().positive()]);

/** Keys that sd-scripts does not have. */
export const OWN_KEYS = {
  model_config: z.string().optional().describe("sizes of a model that begins with nothing: a JSON file"),
  train_vae: z.enum(["both", "decoder"]).optional().describe("an autoencoder learns, or its decoder alone"),
  vae_config: z.string().optional().describe("sizes of an autoencoder that begins with nothing: a JSON file"),
  vae_l1_weight: z.number().min(0).default(0.1).describe("absolute error beside the squared one"),
  vae_kl_weight: z.number().min(0).default(1e-5).describe("pull of the latents towards unit normals"),
  vae_crops: z
    .array(crop)
    .min(1)
    .default([[64, 8, 1]])
    .describe("[side, batch, share]: crops that an autoencoder sees"),
  vae_held_out: z.string().optional().describe("a folder of pictures that an autoencoder is examined on"),
  segments: z
    .enum(["auto", "on", "off"])
    .default("auto")
    .describe("a step's network in pieces that are computed twice: where the whole does not fit into memory"),
  trained_betas: z
    .string()
    .optional()
    .describe("noise levels in place of SDXL's: a JSON file, a list of betas or a scheduler_config.json"),
  data_cache: z
    .string()
    .optional()
    .describe("folder of latents and texts that runs share; by default in the run's folder"),
};

const ownSchema = z.object(OWN_KEYS);
export const OWN_KEY_NAMES: readonly string[] = Object.keys(OWN_KEYS);

export type RecipeFile = {
  /** The run's name: output_name, or the file's, or `model`. */
  readonly name: string;
  /** Where its relative paths count from. */
  readonly root: string;
  /** As it is to be read, with what was set in place of its own values. */
  readonly text: string;
  /** Parsed, in its sections. */
  readonly raw: Readonly<Record<string, unknown>>;
  /** All keys, out of their sections. */
  readonly keys: Readonly<Record<string, unknown>>;
  readonly own: z.output<typeof ownSchema>;
};

/** @throws IllustriousError `missing_file`; `bad_file` for what is no TOML; `bad_option` for our own keys */
export async function readRecipeFile({ recipe, set, folder }: TrainOptions): Promise<RecipeFile> {
  const label = typeof recipe === "string" ? recipe : "the recipe";
  const text = typeof recipe === "string" ? await textOfFile(recipe) : textOfObject(recipe);
  const raw: Record<string, unknown> = { ...parseToml(text, label, "Correct the recipe's TOML.") };
  for (const [key, value] of Object.entries(set)) override(raw, key, value);
  const keys = flat(raw);
  const own = ownSchema.safeParse(keys);
  if (!own.success) {
    const faults = own.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new IllustriousError("bad_option", `${label}: ${faults.join("; ")}`, "Correct the recipe.");
  }
  const { output_name: named } = keys;
  const ofFile = typeof recipe === "string" ? basename(recipe, extname(recipe)) : "model";
  const name = typeof named === "string" ? named : ofFile;
  const root = resolve(typeof recipe === "string" ? dirname(recipe) : folder);
  return { name, root, text: withSettings(text, set), raw, keys, own: own.data };
}

function textOfFile(path: string): Promise<string> {
  return readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    const hint = "Give the path of a TOML file; `illustrious train --help` shows one.";
    throw new IllustriousError("missing_file", `cannot read the recipe ${path} (${cause.code})`, hint, { cause });
  });
}

/** What has no value is not said. */
function textOfObject(recipe: Readonly<Record<string, unknown>>): string {
  try {
    return encodeToml(recipe);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const hint = "Values are those that TOML has: texts, numbers, true and false, lists and tables.";
    throw new IllustriousError("bad_option", `the recipe: ${why}`, hint, { cause });
  }
}

/** In its section if it has one already, else at the top. */
function override(raw: Record<string, unknown>, key: string, value: unknown): void {
  const sections = Object.values(raw).filter(isSection);
  const section = sections.find((one) => Object.hasOwn(one, key));
  (section ?? raw)[key] = value;
}

const DATA_TABLES = ["general", "dataset", "datasets"];

export function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Sections are for the reader, as in sd-scripts; an empty word is nothing. */
function flat(raw: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const keys = Object.entries(raw).flatMap(([key, value]) =>
    isSection(value) && !DATA_TABLES.includes(key) ? Object.entries(value) : [[key, value] as const],
  );
  return Object.fromEntries(keys.filter(([, value]) => value !== ""));
}

/** A path that the recipe names, from its own folder. */
export function placeOf({ root }: RecipeFile, path: string): string {
  return isAbsolute(path) ? path : join(root, path);
}

/** Where the run keeps all that it makes. */
export function runFolder(file: RecipeFile): string {
  const { output_dir: place } = file.keys;
  return join(typeof place === "string" ? placeOf(file, place) : "runs", file.name);
}

export async function modelConfigOf(file: RecipeFile, path: string): Promise<SdxlConfigs> {
  return parseConfigs(await readJson(placeOf(file, path), SIZES), path);
}

export async function vaeConfigOf(file: RecipeFile, path: string): Promise<VaeConfig> {
  return parseVaeConfig(await readJson(placeOf(file, path), SIZES), path);
}

const SIZES = "Give a JSON file with the networks' sizes.";

/** @param hint what file is wanted */
export async function readJson(path: string, hint: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "missing_file" : "bad_file";
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new IllustriousError(code, `${path}: ${why}`, hint, { cause });
  }
}
