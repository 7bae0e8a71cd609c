/**
 * @file The engine keeps the last model loaded: asking for it again with another prompt costs nothing. One whose files have
 * changed since is another model.
 */

import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { detectPrediction } from "../models/sdxl/prediction.ts";
import { openPipeline, type Pipeline } from "../pipeline/pipeline.ts";
import { onnxRuntime } from "../runtime/onnx/session.ts";
import { componentFiles } from "./component-files.ts";
import { engineThreads } from "./engine-threads.ts";
import type { GenerateOptions } from "./generate-options.ts";

const GIB = 2 ** 30;

/** What full-size SDXL is asked to stay within at 512 pixels, less what estimates may be wrong by. */
const COMFORT = 15 * GIB;

let loaded: { readonly key: string; readonly pipeline: Pipeline } | undefined;

/** What the user says of the prediction type decides how networks are read, not which are open: they stay. */
export async function loadedPipeline(options: GenerateOptions): Promise<Pipeline> {
  const { model, vae, prediction, zeroSnr, clipSkip, memory } = options;
  const { threads } = engineThreads(options.threads);
  const claim = {
    ...(prediction !== "auto" && { prediction }),
    ...(zeroSnr !== "auto" && { zeroSnr: zeroSnr !== "off" }),
  };
  const key = JSON.stringify([await versionOf(model), await versionOf(vae), clipSkip, threads, memory]);
  if (loaded?.key === key) {
    const { checkpoint } = loaded.pipeline;
    return {
      ...loaded.pipeline,
      checkpoint: { ...checkpoint, prediction: detectPrediction(checkpoint.clues, claim) },
    };
  }
  await loaded?.pipeline.close();
  loaded = undefined;
  const limit = memory === undefined ? process.availableMemory() : memory * GIB;
  const pipeline = await openPipeline(model, {
    runtime: onnxRuntime({ threads, memory: limit }),
    clipSkip,
    budget: { limit, comfort: memory === undefined ? Math.min(limit, COMFORT) : limit },
    prediction: claim,
    ...(vae !== undefined && { vae }),
  });
  loaded = { key, pipeline };
  return pipeline;
}

/** A path and where it leads, with size and time of change of each file that it stands for. What is not there is refused by name when it is opened. */
async function versionOf(path: string | undefined): Promise<unknown> {
  if (path === undefined) return undefined;
  const names = await readdir(path).catch(() => undefined);
  const own = names?.filter((name) => /\.(?:json|safetensors)$/.test(name)) ?? [];
  const files = names ? [...own.sort(), ...(await componentFiles(path))] : [""];
  const versions = await Promise.all(
    files.map(async (name) => {
      const found = await stat(join(path, name)).catch(() => undefined);
      return [name, found?.size, found?.mtimeMs];
    }),
  );
  return [path, resolve(path), versions];
}
