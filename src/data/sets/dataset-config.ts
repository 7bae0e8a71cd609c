/**
 * @file The dataset TOML of sd-scripts (kohya): `[general]`, `[[datasets]]`, `[[datasets.subsets]]`, where what is said lower wins.
 * JSON of the same form is read too. Folders count from the file's own, not from where a command runs.
 */

import { dirname, resolve } from "node:path";
import { type ZodType, z } from "zod";
import { IllustriousError } from "../../base/error.ts";
import { nearestName } from "../../base/nearest-name.ts";
import { parseJsonFile } from "../../formats/json.ts";
import { parseToml } from "../../formats/toml.ts";
import {
  camelled,
  DATASET_OPTIONS,
  type DatasetOptions,
  datasetSchema,
  REFUSED,
  SUBSET_OPTIONS,
  SUBSET_PLACE,
  type SubsetOptions,
  subsetSchema,
} from "./options.ts";
import { readText } from "./text-file.ts";

export type DatasetConfig = DatasetOptions & { readonly subsets: readonly SubsetOptions[] };

/** All that one file says, each option settled. */
export type SetConfig = {
  /** The folder that relative paths, and the names of images, count from. */
  readonly root: string;
  readonly datasets: readonly DatasetConfig[];
  /** Folders of images beside those that a folder's names give repeats for. */
  readonly passedOver?: readonly string[];
  /** Names of usual options that no data set has, for each says something else. */
  readonly overruled?: readonly string[];
};

/** What `[general]` and each of `[[datasets]]` may say. */
const GENERAL_OPTIONS = { ...SUBSET_OPTIONS, ...DATASET_OPTIONS };

/** Far above any list that a person writes. */
const MAX_BYTES = 16 * 2 ** 20;

/** @throws IllustriousError `missing_file`; `bad_file` for what is no TOML or JSON; `bad_option` that names option and value */
export async function readDatasetConfig(path: string, usual: UsualOptions = {}): Promise<SetConfig> {
  const text = await readText(path, MAX_BYTES);
  const raw = path.toLowerCase().endsWith(".json") ? parseJsonFile(text, path) : parseToml(text, path);
  return datasetConfigOf(raw, dirname(resolve(path)), usual);
}

/** What a recipe says of all data sets, by the options' own names; what a data set says itself goes before it. */
export type UsualOptions = Readonly<Record<string, unknown>>;

/** The same for what has been parsed already, such as the `[[datasets]]` inside a recipe. */
export function datasetConfigOf(raw: unknown, root: string, usual: UsualOptions = {}): SetConfig {
  const file = tableOf(raw, "the data set's file");
  checkNames(file, ["general", "datasets"], "the data set's file");
  const own = checked(file.general ?? {}, GENERAL_OPTIONS, "general");
  const common = checked(usual, GENERAL_OPTIONS, "the recipe");
  const general = over(common, own);
  const datasets = listOf(file.datasets, "datasets").map((entry, i): DatasetConfig => {
    const place = `datasets[${i}]`;
    const { subsets, ...own } = tableOf(entry, place);
    const dataset = over(general, checked(own, GENERAL_OPTIONS, place));
    const settled = listOf(subsets, `${place}.subsets`).map((subset, k) => {
      const name = `${place}.subsets[${k}]`;
      const options = checked(subset, { ...SUBSET_OPTIONS, ...SUBSET_PLACE }, name);
      return checkSubset(camelled(subsetSchema.parse({ ...dataset, ...options })), name);
    });
    return { ...checkDataset(camelled(datasetSchema.parse(dataset)), place), subsets: settled };
  });
  return { root: resolve(root), datasets, overruled: overruledOf(common, datasets) };
}

/** What is said nearer goes before what is said further away, one area before several, too. */
function over(far: Record<string, unknown>, near: Record<string, unknown>): Record<string, unknown> {
  const { resolutions, ...rest } = far;
  return { ...("resolution" in near ? rest : far), ...near };
}

/** Defaults are not told of: programs around sd-scripts write them all. */
function overruledOf(usual: UsualOptions, datasets: readonly DatasetConfig[]): string[] {
  const tables = datasets
    .flatMap((dataset) => [seen(dataset), ...dataset.subsets])
    .map((table) => Object.entries(table));
  return Object.entries(usual).flatMap(([name, value]) => {
    const shape: ZodType = GENERAL_OPTIONS[name as keyof typeof GENERAL_OPTIONS];
    const [key] = Object.keys(camelled({ [name]: value }));
    const [given, byDefault] = [value, undefined].map((one) => JSON.stringify(shape.parse(one)));
    const taken = tables.some((table) => table.some(([one, said]) => one === key && JSON.stringify(said) === given));
    return taken || given === byDefault ? [] : [name];
  });
}

/** Several areas go before one. */
function seen({ resolution, subsets: _, ...options }: DatasetConfig): Partial<DatasetOptions> {
  return { ...options, ...(options.resolutions === undefined && resolution !== undefined && { resolution }) };
}

function checkDataset(options: DatasetOptions, place: string): DatasetOptions {
  const { resolution, resolutions } = options;
  if (resolution === undefined && resolutions === undefined) {
    throw new IllustriousError("bad_option", `${place} has no resolution`, "Add `resolution = 1024`, say.");
  }
  return options;
}

function checkSubset(options: SubsetOptions, place: string): SubsetOptions {
  const { imageDir, metadataFile, isReg } = options;
  if (imageDir === undefined && metadataFile === undefined) {
    throw new IllustriousError(
      "bad_option",
      `${place} has neither image_dir nor metadata_file`,
      "Name the images' folder.",
    );
  }
  if (isReg && metadataFile !== undefined) {
    const hint = "Regularisation images come from a folder: leave metadata_file out.";
    throw new IllustriousError("bad_option", `${place} has is_reg = true and metadata_file = "${metadataFile}"`, hint);
  }
  return options;
}

/** The table's entries as they are written, once names and values have been found right; what asks for nothing is left out. */
function checked(raw: unknown, shape: Record<string, ZodType>, place: string): Record<string, unknown> {
  const table = tableOf(raw, place);
  const found: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(table)) {
    // JSON's way to say nothing, which sd-scripts skips too.
    if (value === null) continue;
    const refused = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined;
    if (refused !== undefined) {
      if (refused.idle.includes(value)) continue;
      throw new IllustriousError("unsupported", `${place}.${name} = ${JSON.stringify(value)}`, refused.instead);
    }
    checkNames({ [name]: value }, Object.keys(shape), place);
    const result = shape[name]!.safeParse(value);
    if (!result.success) {
      const reasons = z.treeifyError(result.error).errors.join("; ") || result.error.issues[0]!.message;
      throw new IllustriousError("bad_option", `${place}.${name} = ${JSON.stringify(value)}`, `${reasons}.`);
    }
    found[name] = value;
  }
  return found;
}

function checkNames(table: Record<string, unknown>, known: readonly string[], place: string): void {
  for (const name of Object.keys(table)) {
    if (known.includes(name)) continue;
    const meant = nearestName(name, known);
    const hint = meant === undefined ? `It has ${[...known].sort().join(", ")}.` : `Did you mean "${meant}"?`;
    throw new IllustriousError("bad_option", `${place} has no option "${name}"`, hint);
  }
}

function tableOf(raw: unknown, place: string): Record<string, unknown> {
  if (typeof raw === "object" && raw !== null && !Array.isArray(raw)) return raw as Record<string, unknown>;
  throw new IllustriousError("bad_option", `${place} is ${JSON.stringify(raw) ?? "missing"}, not a table`, FORM);
}

function listOf(raw: unknown, place: string): readonly unknown[] {
  if (Array.isArray(raw) && raw.length > 0) return raw;
  throw new IllustriousError(
    "bad_option",
    `${place} is ${JSON.stringify(raw) ?? "missing"}, not a list of tables`,
    FORM,
  );
}

const FORM = "A data set has [[datasets]], and each of those [[datasets.subsets]] with image_dir or metadata_file.";
