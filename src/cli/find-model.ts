/**
 * @file Where a model lies that is called by name: shipped with the program, a path, or in one of the folders in which
 * people keep models.
 */

import { readdir, stat } from "node:fs/promises";
import { basename, delimiter, join, resolve } from "node:path";
import type { Shell } from "./shell.ts";
import { type ShippedModel, shippedModel, shippedModels } from "./shipped-models.ts";

export type FoundModel = { readonly path: string; readonly shipped?: ShippedModel };

/**
 * Looks for a path, then for a shipped model, then for that name, with or without `.safetensors`, in each model folder
 * and in the folders directly inside it.
 */
export async function findModel(name: string, env: Shell["env"]): Promise<FoundModel | undefined> {
  if (!(await exists(name))) return findByName(name, env);
  const shipped = shippedModels().find(({ path }) => path === resolve(name));
  return { path: name, ...(shipped && { shipped }) };
}

/** As a picture names it, which is never by a path: what lies in the working folder counts only by its plain name. */
export async function findByName(name: string, env: Shell["env"]): Promise<FoundModel | undefined> {
  if (/^\.*$/.test(name) || name !== basename(name)) return undefined;
  const shipped = shippedModel(name);
  if (shipped) return { path: shipped.path, shipped };
  const names = [name, `${name}.safetensors`];
  for (const folder of [".", ...modelFolders(env)]) {
    for (const inside of folder === "." ? ["."] : [folder, ...(await foldersIn(folder))]) {
      for (const path of names.map((one) => join(inside, one))) if (await exists(path)) return { path };
    }
  }
  return undefined;
}

/** `ILLUSTRIOUS_MODELS`, folders parted as in PATH, and `models` here. */
export function modelFolders(env: Shell["env"]): string[] {
  const named = (env.ILLUSTRIOUS_MODELS ?? "").split(delimiter).filter((folder) => folder !== "");
  return [...named, "models"];
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
