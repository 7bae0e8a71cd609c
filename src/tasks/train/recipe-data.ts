/**
 * @file What a recipe says of its data: a data set's file, tables of its own, or the arguments of sd-scripts' command line, which its
 * `--output_config` and the programs around it write: `train_data_dir`, `reg_data_dir`, `in_json`, and options for all data sets.
 */

import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import {
  DATA_OPTION_NAMES,
  datasetConfigOf,
  type FolderSubsets,
  folderSubsets,
  readDatasetConfig,
  type SetConfig,
} from "../../data/sets/index.ts";
import type { Finding } from "../../sampling/finding.ts";
import { ignoredElsewhere } from "../../training/recipe/index.ts";
import { isSection, OWN_KEY_NAMES, placeOf, type RecipeFile } from "./recipe-file.ts";

/** Where the data are, by sd-scripts' names. */
const PLACES = ["dataset_config", "train_data_dir", "reg_data_dir", "in_json"];

/** Its names of arguments that a data set's file calls otherwise. */
const RENAMED: Readonly<Record<string, string>> = { train_batch_size: "batch_size", dataset_repeats: "num_repeats" };

const USUAL: readonly string[] = [
  ...DATA_OPTION_NAMES.filter((name) => !ignoredElsewhere(name)),
  ...Object.keys(RENAMED),
];

/** Keys beside a recipe's own, which name the data or are ours. */
export const DATA_KEY_NAMES: readonly string[] = [...OWN_KEY_NAMES, ...PLACES, ...USUAL];

/**
 * The data set: `[dataset] config = "file.toml"` (or `dataset_config`), `[general]` and `[[datasets]]` in the recipe itself, or
 * `train_data_dir`.
 *
 * @throws IllustriousError `bad_option` where there is none, or more than one
 */
export async function datasetOf(file: RecipeFile): Promise<SetConfig> {
  const { general, datasets, dataset, dataset_config: elsewhere, train_data_dir: folder } = file.keys;
  const config = elsewhere ?? (isSection(dataset) ? dataset.config : undefined);
  const named = Object.entries({ dataset_config: config, datasets, train_data_dir: folder }).filter(
    ([, value]) => value !== undefined,
  );
  if (named.length > 1) {
    const names = named.map(([name]) => name).join(" and ");
    throw new IllustriousError(
      "bad_option",
      `the recipe ${file.name} names its data twice: ${names}`,
      "Keep one of them.",
    );
  }
  const usual = usualOptions(file);
  const common = general === undefined ? {} : { general };
  const folderSet = ({ subsets, passedOver }: FolderSubsets) => ({
    ...datasetConfigOf({ ...common, datasets: [{ subsets }] }, file.root, usual),
    passedOver,
  });
  if (typeof config === "string") {
    const place = placeOf(file, config);
    const isFile = !(await isFolder(place));
    refuseBeside(file, config, isFile ? ["[general]", ...FOLDERS] : FOLDERS);
    // A data set's file, or the folder that one would describe.
    return isFile ? readDatasetConfig(place, usual) : folderSet(await folderSubsets(resolve(place)));
  }
  if (datasets !== undefined) {
    refuseBeside(file, "[[datasets]]", FOLDERS);
    return datasetConfigOf({ ...common, datasets }, file.root, usual);
  }
  if (typeof folder === "string") {
    refuseBeside(file, folder, file.keys.in_json === undefined ? [] : ["reg_data_dir"]);
    return folderSet(await subsetsOf(file, folder));
  }
  const hint = 'Add train_data_dir, [dataset] with config = "dataset.toml", or [[datasets]] with [[datasets.subsets]].';
  throw new IllustriousError("bad_option", `the recipe ${file.name} names no data set`, hint);
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** What goes with `train_data_dir` alone. */
const FOLDERS = ["reg_data_dir", "in_json"];

/** What stands beside the data in a recipe and would be read by nobody: some of its keys, and those of `[dataset]`. */
function refuseBeside({ name, keys }: RecipeFile, data: string, idle: readonly string[]): void {
  const { dataset } = keys;
  const inSection = isSection(dataset) ? Object.keys(dataset).filter((key) => key !== "config") : [];
  const given = idle.filter((key) => keys[key.replace(/[[\]]/g, "")] !== undefined);
  const found = [...inSection.map((key) => `[dataset] ${key}`), ...given];
  if (found.length === 0) return;
  const moved = `Move it into ${data}, or to the recipe's top, which holds for all data sets that do not say otherwise.`;
  const hint = found.some((key) => FOLDERS.includes(key))
    ? "It goes with train_data_dir, reg_data_dir not with in_json; elsewhere a subset says is_reg = true or metadata_file."
    : moved;
  throw new IllustriousError(
    "bad_option",
    `the recipe ${name} has ${found.join(", ")} beside the data of ${data}`,
    hint,
  );
}

/** Of all data sets that do not say otherwise. */
function usualOptions({ keys }: RecipeFile): Record<string, unknown> {
  const given = USUAL.filter((key) => keys[key] !== undefined);
  return Object.fromEntries(given.map((key) => [RENAMED[key] ?? key, keys[key]]));
}

/** Keys that the recipe has for all data sets, and each of these says something else. */
export function overruledFindings({ keys }: Pick<RecipeFile, "keys">, { overruled = [] }: SetConfig): Finding[] {
  return USUAL.filter((key) => keys[key] !== undefined && overruled.includes(RENAMED[key] ?? key)).map((key) => ({
    level: "warning",
    code: "unused_option",
    message: `${key} = ${JSON.stringify(keys[key])} is set for all data sets, and each of them says another ${RENAMED[key] ?? key}`,
    hint: `Set it where they do ([general], [[datasets]], their subsets, a folder's name), or leave ${key} out.`,
  }));
}

/** As sd-scripts: one folder with `in_json`, else `<repeats>_<class tokens>` folders, with those of `reg_data_dir`. */
async function subsetsOf(file: RecipeFile, folder: string): Promise<FolderSubsets> {
  const { in_json: metadata, reg_data_dir: regularisation } = file.keys;
  const root = resolve(placeOf(file, folder));
  if (typeof metadata === "string") {
    return { subsets: [{ image_dir: root, metadata_file: placeOf(file, metadata) }], passedOver: [] };
  }
  return folderSubsets(root, typeof regularisation === "string" ? resolve(placeOf(file, regularisation)) : undefined);
}
