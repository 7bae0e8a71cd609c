/**
 * @file A prompt to pictures, top to bottom: open the checkpoint, settle what will be done, encode the prompts, walk down
 * the noise levels, decode, write. Runs in the engine's process.
 */

import { randomInt } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { basename } from "node:path";
import { IllustriousError } from "../base/error.ts";
import { noiseSource } from "../base/random/noise.ts";
import { vaeFactor } from "../models/sdxl/config.ts";
import { type Conditioning, type LatentLayout, unetCall, type Weighted } from "../pipeline/denoise.ts";
import { type EncodedPrompt, encodePrompts, type SizeConditioning, timeIdsOf } from "../pipeline/conditioning.ts";
import { gridOf, type RgbImage } from "../pipeline/image.ts";
import { noiseModelOf } from "../pipeline/noise-model.ts";
import { openPipeline, type Pipeline } from "../pipeline/pipeline.ts";
import { latentColours, type LatentColours, previewOf } from "../pipeline/preview.ts";
import { type PromptPlan, planPrompt } from "../pipeline/prompt/plan.ts";
import { noVae } from "../pipeline/shelf.ts";
import { decodeLatents, type Latents, TILING } from "../pipeline/vae.ts";
import { onnxRuntime } from "../runtime/onnx/session.ts";
import {
  checkCombination,
  guidedDenoise,
  initialLatents,
  lookUpSampler,
  lookUpSchedule,
  makeSchedule,
} from "../sampling/index.ts";
import type { EffectiveSettings, GenerateEvent } from "./generate-events.ts";
import type { GenerateOptions } from "./generate-options.ts";
import { pictureFile, sheetFile } from "./picture-file.ts";
