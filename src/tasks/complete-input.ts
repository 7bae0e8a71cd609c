/** @file What a caller asks for, with names of models as paths, and with what suits a shipped model where nothing is said. */

import { lookUpSampler } from "../sampling/index.ts";
import { type Environment, findModel } from "./find-model.ts";
import type { GenerateInput } from "./generate-options.ts";

/**
 * What is given stands above what suits the model.
 *
 * @param input checked by the options' schema
 * @throws IllustriousError `missing_file`, naming the folders that were searched
 */
export async function completeInput(input: GenerateInput, env: Environment = process.env): Promise<GenerateInput> {
  // A program may hand over `steps: undefined` for what it leaves to us.
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as GenerateInput;
  const { path, shipped } = await findModel(given.model, env);
  const vae = given.vae === undefined ? undefined : (await findModel(given.vae, env, "VAE")).path;
  // A schedule in the sampler's name ("DPM++ 2M Karras") is the caller's word as well.
  const named = given.sampler === undefined ? undefined : lookUpSampler(given.sampler).schedule;
  return {
    ...shipped?.preset,
    ...(named && { schedule: named }),
    ...given,
    model: path,
    ...(vae !== undefined && { vae }),
  };
}
