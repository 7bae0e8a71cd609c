/**
 * @file Where a model lies that is called by a path or by a name, and the models that come with the project, each with the
 * options that suit it. The command line and the library both ask here, so that they draw the same picture.
 */

import { existsSync } from "node:fs";
import { readdir, realpath } from "node:fs/promises";
import { basename, delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { IllustriousError } from "../base/error.ts";
import { exists } from "../formats/exists.ts";
import type { GenerateInput } from "./generate-options.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export type ShippedModel = {
  /** Of its folder under `models/`, and on the command line. */
  readonly name: string;
  readonly path: string;
  /** Used where nothing else is said. */
  readonly preset: Partial<GenerateInput>;
};

/** The first one draws where none is named. The last is a specimen of a flaw (docs/v-prediction-flaw.md), and nothing here hides it. */
const NAMES = ["nano-v3.0-eps", "nano-v3.5-vpred", "nano-v3.0-vpred"];

/** That of their counts (docs/nano-models.md). */
const PRESET = { sampler: "euler", schedule: "normal", steps: 28, cfg: 7.5 } as const;

const MODELS = new URL("../../models/", import.meta.url);

/** Those that are there: a package may be installed without some. */
export function shippedModels(): ShippedModel[] {
  const all = NAMES.map((name) => ({ name, preset: PRESET, path: fileURLToPath(new URL(name, MODELS)) }));
  return all.filter(({ path }) => existsSync(path));
}

export type FoundModel = { readonly path: string; readonly shipped?: ShippedModel };

/**
 * A path that exists, else what `findByName` finds.
 *
 * @param what is looked for, in words
 * @throws IllustriousError `missing_file`, naming the folders that were searched
 */
export async function findModel(
  name: string,
  env: Environment = process.env,
  what: "model" | "VAE" = "model",
): Promise<FoundModel> {
  if (await exists(name)) {
    const shipped = await shippedAt(name);
    return { path: name, ...(shipped && { shipped }) };
  }
  const found = await findByName(name, env);
  if (found) return found;
  if (!isPlainName(name))
    throw new IllustriousError("missing_file", `${name}: no such file or folder`, "Check the path.");
  const files = name.endsWith(".safetensors") ? name : `${name} and ${name}.safetensors`;
  const folders = [".", ...modelFolders(env)].map((folder) => resolve(folder));
  const shipped = shippedModels().map((model) => model.name);
  const ours = what === "VAE" || shipped.length === 0 ? "" : ` With the program comes ${shipped.join(", ")}.`;
  throw new IllustriousError(
    "missing_file",
    `no ${what} "${name}" is found`,
    `Looked for ${files} in ${folders.join(", ")} and in the folders directly inside all but the first.${ours} ` +
      "Give the path, or put the folder into ILLUSTRIOUS_MODELS.",
  );
}

/**
 * A shipped model; else a file or folder of this name, with or without `.safetensors`, where the program runs, in the model
 * folders, and in the folders directly inside those. Never a path: what a picture names shall not choose a folder.
 */
export async function findByName(name: string, env: Environment = process.env): Promise<FoundModel | undefined> {
  if (!isPlainName(name)) return undefined;
  const shipped = shippedModels().find((model) => model.name === name);
  if (shipped) return { path: shipped.path, shipped };
  const names = [name, `${name}.safetensors`];
  for (const folder of [".", ...modelFolders(env)]) {
    for (const inside of folder === "." ? ["."] : [folder, ...(await foldersIn(folder))]) {
      for (const path of names.map((one) => join(inside, one))) if (await exists(path)) return { path };
    }
  }
  return undefined;
}

/**
 * The VAE that a picture names, perhaps with one or two folders before it (`my-model/vae`): what `findByName` finds, else
 * what lies so in `near`, where the program runs, among the shipped models, in the model folders, or directly inside those.
 *
 * @param near folders beside the picture and the model
 */
export async function findVae(
  name: string,
  near: readonly string[],
  env: Environment = process.env,
): Promise<string | undefined> {
  const found = await findByName(name, env);
  if (found) return found.path;
  const parts = name.split("/");
  if (!parts.every(isPlainName)) return undefined;
  const folders = modelFolders(env);
  const inside = (await Promise.all(folders.map(foldersIn))).flat();
  for (const folder of [...near, ".", fileURLToPath(MODELS), ...folders, ...inside]) {
    const path = join(folder, ...parts);
    for (const one of [path, `${path}.safetensors`]) if (await exists(one)) return one;
  }
  return undefined;
}

/** Those of `ILLUSTRIOUS_MODELS`, parted as in PATH, then `models` where the program runs. */
export function modelFolders(env: Environment): string[] {
  const named = (env.ILLUSTRIOUS_MODELS ?? "").split(delimiter).filter((folder) => folder !== "");
  return [...named, "models"];
}

function isPlainName(name: string): boolean {
  return name === basename(name) && !/^\.*$/.test(name);
}

/** However the path is written: it may lead through links. */
async function shippedAt(path: string): Promise<ShippedModel | undefined> {
  const real = await realpath(path);
  for (const model of shippedModels()) if ((await realpath(model.path)) === real) return model;
  return undefined;
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
}
