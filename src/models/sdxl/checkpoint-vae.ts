/** @file Opens a VAE by itself: a file in either naming, a diffusers VAE folder, or the VAE of a checkpoint. */

import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { IllustriousError } from "../../base/error.ts";
import { exists } from "../../formats/exists.ts";
import type { SafetensorsFile } from "../../formats/safetensors/index.ts";
import { type Bound, bindWeights, poolOf, refuseMissing } from "./checkpoint-bind.ts";
import { metadataConfig, shapesOf } from "./checkpoint-file.ts";
import { openComponentFiles, openWeights, readJson } from "./checkpoint-files.ts";
import { identify, VAE_PREFIXES } from "./checkpoint-kind.ts";
import type { VaeConfig } from "./config.ts";
import { inferVae } from "./config-infer.ts";
import { parseVaeConfig } from "./config-json.ts";
import { vaeParameters } from "./names-vae.ts";

export type OpenedVae = {
  readonly config: VaeConfig;
  readonly bound: Bound;
  readonly files: readonly SafetensorsFile[];
};

/**
 * A lone file says nothing of its scale: it is taken to be SDXL's, 0.13025, unless a `config.json` lies beside it.
 *
 * @throws IllustriousError `unknown_model` if it is no VAE, `missing_weight`
 */
export async function openVae(path: string, variant?: string): Promise<OpenedVae> {
  const folder = await vaeFolder(path);
  const files = folder ? await openComponentFiles(folder, variant) : [await openWeights(path)];
  const pool = poolOf(files);
  const prefix = VAE_PREFIXES.find((p) => pool.has(`${p}decoder.conv_in.weight`));
  if (prefix === undefined) {
    const { name } = identify(pool);
    throw new IllustriousError("unknown_model", `${path}: ${name}, without a VAE`, "Name a VAE's .safetensors file.");
  }
  const naming = pool.has(`${prefix}decoder.mid.block_1.conv1.weight`) ? "sgm" : "diffusers";
  const config = await vaeConfig(files[0]!, folder ?? dirname(path), prefix, path);
  const bound = bindWeights(vaeParameters(config), pool, { naming, prefix });
  refuseMissing(bound.missing, path, "the VAE");
  return { config, bound, files };
}

/** The folder itself, or `vae` inside a checkpoint's; undefined for a file. */
async function vaeFolder(path: string): Promise<string | undefined> {
  const found = await stat(path).catch((cause) => {
    throw new IllustriousError("missing_file", `${path}: no such VAE file or folder`, "Check the path.", { cause });
  });
  if (!found.isDirectory()) return undefined;
  const inside = join(path, "vae");
  return (await exists(inside)) ? inside : path;
}

async function vaeConfig(file: SafetensorsFile, folder: string, prefix: string, path: string): Promise<VaeConfig> {
  const own = metadataConfig(file, path)?.vae;
  if (own !== undefined) return parseVaeConfig(own, `${path}: vae`);
  const beside = join(folder, "config.json");
  if (await exists(beside)) {
    const json = (await readJson(beside)) as { _class_name?: unknown } | null;
    if (json?._class_name === "AutoencoderKL") return parseVaeConfig(json, beside);
  }
  return inferVae(shapesOf(file, prefix), path);
}
