/**
 * @file Where a LoRA lies that is called by its name: beside the model, or in a folder for LoRAs as ComfyUI (`loras`) and
 * A1111 (`Lora`) have them, beside the model's folder or in the model folders, however deep inside.
 */

import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type Environment, modelFolders } from "./find-model.ts";

/** A name without folders, with or without `.safetensors`; as it is written, else in other cases of its letters. */
export async function findLora(name: string, model: string, env: Environment): Promise<string | undefined> {
  if (name !== basename(name) || name.includes("\\")) return undefined;
  const wanted = stemOf(name);
  for (const { folder, deep } of loraFolders(model, env)) {
    const files = await readdir(folder, { recursive: deep }).catch(() => []);
    const loras = files.filter((file) => /\.safetensors$/i.test(file)).sort();
    const found =
      loras.find((file) => stemOf(file) === wanted) ??
      loras.find((file) => stemOf(file).toLowerCase() === wanted.toLowerCase());
    if (found !== undefined) return join(folder, found);
  }
  return undefined;
}

/** Where `findLora` looks, in its order. */
export function loraFolders(model: string, env: Environment): { folder: string; deep: boolean }[] {
  const beside = dirname(resolve(model));
  const around = [beside, dirname(beside), ...modelFolders(env).map((folder) => resolve(folder)), resolve(".")];
  const folders = [{ folder: beside, deep: false }];
  for (const folder of new Set([resolve(model), ...around])) {
    for (const name of ["loras", "Lora"]) folders.push({ folder: join(folder, name), deep: true });
  }
  return folders;
}

export async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

const stemOf = (file: string): string => basename(file).replace(/\.safetensors$/i, "");
