/** @file Models opened and looked at by a path, or by a name as everywhere else; for programs. */

import { type Checkpoint, type OpenOptions, openCheckpoint as openAt } from "../models/sdxl/checkpoint.ts";
import { type Inspection, inspectModel as inspectAt } from "../models/sdxl/inspect.ts";
import type { Claim } from "../models/sdxl/prediction.ts";
import { findModel } from "./find-model.ts";

/**
 * Opens an SDXL checkpoint: configurations, where each weight lies, and what it predicts. Weights are read when they are used.
 *
 * @param model a diffusers folder, a .safetensors file, or a name as `generate` takes it: `nano-v3.5-vpred`
 * @throws IllustriousError `missing_file`; `unknown_model` if it is not an SDXL checkpoint, saying what it is;
 * `missing_weight`, `bad_shape`, `unsupported` naming the keys; `pickle_refused`
 */
export async function openCheckpoint(model: string, options: OpenOptions = {}): Promise<Checkpoint> {
  const { path } = await findModel(model);
  if (options.vae === undefined) return openAt(path, options);
  const vae = await findModel(options.vae, process.env, "VAE");
  return openAt(path, { ...options, vae: vae.path });
}

/**
 * All that can be said of a model without reading its weights.
 *
 * @param model as for `openCheckpoint`
 * @param override what it predicts, for whoever knows better than the file
 * @throws IllustriousError when it is missing or not safetensors at all; lesser faults become `problems`
 */
export async function inspectModel(model: string, override?: Claim): Promise<Inspection> {
  return inspectAt((await findModel(model)).path, override);
}
