/** @file The engine keeps the last model loaded: asking for it again with another prompt costs nothing. */

import { detectPrediction } from "../models/sdxl/prediction.ts";
import { openPipeline, type Pipeline } from "../pipeline/pipeline.ts";
import { onnxRuntime } from "../runtime/onnx/session.ts";
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
  const key = JSON.stringify([model, vae, clipSkip, threads, memory]);
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
