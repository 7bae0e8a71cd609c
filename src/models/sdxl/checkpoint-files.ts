/** @file Finds the weight files of one component folder as diffusers and transformers name them, and opens them. */

import { readdir, readFile, realpath } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { openSafetensors, type SafetensorsFile } from "../../formats/safetensors/index.ts";

/**
 * Opens every shard of a component: `model.safetensors`, `model.fp16.safetensors`, or the shards that an index names.
 *
 * @param variant the middle part, such as `fp16`; by default the plain file, else the only variant or `fp16`
 * @throws IllustriousError `missing_file`, or `pickle_refused` if only Python pickles are there
 */
export async function openComponentFiles(folder: string, variant?: string): Promise<SafetensorsFile[]> {
  const names = (await readdir(folder)).sort();
  const choices = choicesIn(names);
  const choice = choices.get(variant ?? "") ?? (variant === undefined ? fallback(choices) : undefined);
  if (!choice) throw noWeights(folder, names, [...choices.keys()], variant);
  const files = choice.endsWith(".json") ? await shardsOf(folder, choice) : [choice];
  return Promise.all(files.map((file) => openWeights(join(folder, file))));
}

/**
 * Opens a file by its real path: Hugging Face's cache is symbolic links into a folder of blobs, and ONNX Runtime reads
 * weights only from files inside the folder that it is given.
 */
export async function openWeights(path: string): Promise<SafetensorsFile> {
  const file = await openSafetensors(path);
  return { ...file, path: await realpath(path) };
}

/** Weight or index file by variant; the plain one is "". An index comes after, so that it wins over a lone shard. */
function choicesIn(names: readonly string[]): Map<string, string> {
  const choices = new Map<string, string>();
  const shard = /-\d{5}-of-\d{5}/;
  for (const name of names) {
    const match = /^(?:diffusion_pytorch_model|model|pytorch_model)(?:\.([\w-]+))?\.safetensors$/.exec(name);
    if (match && !shard.test(name)) choices.set(match[1] ?? "", name);
  }
  for (const name of names) {
    const match = /^[\w-]+\.safetensors\.index(?:\.([\w-]+))?\.json$/.exec(name);
    if (match) choices.set(match[1] ?? "", name);
  }
  return choices;
}

function fallback(choices: ReadonlyMap<string, string>): string | undefined {
  return choices.get("fp16") ?? (choices.size === 1 ? [...choices.values()][0] : undefined);
}

async function shardsOf(folder: string, index: string): Promise<string[]> {
  const path = join(folder, index);
  const json = (await readJson(path)) as { weight_map?: unknown };
  const files = new Set(Object.values(json.weight_map ?? {}));
  for (const file of files) {
    // A name with a separator could lead anywhere on the disk.
    if (typeof file !== "string" || !/^[\w.-]+\.safetensors$/.test(file))
      throw new IllustriousError(
        "bad_file",
        `${path}: weight_map names ${JSON.stringify(file)}, not a shard beside it`,
      );
  }
  if (files.size === 0) throw new IllustriousError("bad_file", `${path}: weight_map is missing or empty`);
  return [...(files as Set<string>)];
}

function noWeights(
  folder: string,
  names: readonly string[],
  variants: readonly string[],
  variant?: string,
): IllustriousError {
  const pickles = names.filter((name) => /\.(bin|ckpt|pt|pth)$/.test(name));
  if (variants.length > 0) {
    const found = variants.map((v) => v || "(none)").join(", ");
    const wanted = variant ? `variant ${variant}` : "weights without a variant";
    const message = `${folder}: ${wanted} not found; there are: ${found}`;
    return new IllustriousError("missing_file", message, "Name one of these as the variant.");
  }
  if (pickles.length > 0) {
    return new IllustriousError(
      "pickle_refused",
      `${folder}: only ${pickles.join(", ")}, a Python pickle, which can run any code when loaded`,
      "Take the model's .safetensors files, or convert it with diffusers' save_pretrained(safe_serialization=True).",
    );
  }
  return new IllustriousError("missing_file", `${folder}: no .safetensors file`, "The download may be incomplete.");
}

/** Names that may hint at what a model is: its own, and its repository's in Hugging Face's cache, where folders are hashes. */
export function namesOf(path: string): string[] {
  const repository = /models--[^/\\]+--([^/\\]+)[/\\]snapshots/.exec(resolve(path))?.[1];
  return [basename(resolve(path)), ...(repository ? [repository] : [])];
}

/** @throws IllustriousError `missing_file`; `bad_file` if it is not JSON */
export async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new IllustriousError("missing_file", `${path}: cannot be read`, "The download may be incomplete.", { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new IllustriousError("bad_file", `${path}: not JSON: ${(cause as Error).message}`, undefined, { cause });
  }
}
