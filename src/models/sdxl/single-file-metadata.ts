/**
 * @file What a single-file checkpoint says of itself: Stability's ModelSpec, the marks of what it predicts, and under
 * `illustrious.config` what a diffusers folder has files for. Only what is known is written.
 *
 * https://github.com/Stability-AI/ModelSpec
 */

import { isDeepStrictEqual } from "node:util";
import type { HashedMetadata } from "../../formats/safetensors/index.ts";
import { CONFIG_KEY } from "./checkpoint-file.ts";
import { SDXL_BASE, type SdxlConfigs, vaeFactor } from "./config.ts";
import { configsToJson } from "./config-json.ts";
import type { PredictionMarks } from "./prediction-marks.ts";

export type SingleFileFacts = {
  readonly configs: SdxlConfigs;
  readonly marks: PredictionMarks;
  /** As `scheduler_config.json` has it. */
  readonly scheduler?: unknown;
  /** `force_zeros_for_empty_prompt` of a diffusers folder. */
  readonly zerosForEmptyPrompt?: boolean;
  /** If `metadata` has none. */
  readonly title: string;
  /** What the model's own file or its trainer says beside; what would not be true of the new file is left out. */
  readonly metadata: Readonly<Record<string, string>>;
};

/** Of the bytes that were, and of what is said anew. */
const STALE: ReadonlySet<string> = new Set([
  CONFIG_KEY,
  "illustrious.prediction",
  "illustrious.zero_snr",
  "modelspec.hash_sha256",
  "modelspec.unet_dtype",
  "modelspec.vae_dtype",
  "sshs_legacy_hash",
  "sshs_model_hash",
]);

/** Said again wherever it is known. */
const PREDICTION: ReadonlySet<string> = new Set(["modelspec.prediction_type", "modelspec.predict_key"]);

export function singleFileMetadata(facts: SingleFileFacts): HashedMetadata {
  const { configs, marks, title } = facts;
  const isMarked = Object.keys(marks.metadata).length > 0;
  const kept = Object.entries(facts.metadata).filter(([key]) => !STALE.has(key) && !(isMarked && PREDICTION.has(key)));
  const resolution = resolutionOf(configs);
  const metadata = {
    format: "pt",
    "modelspec.title": title,
    ...(resolution !== undefined && { "modelspec.resolution": resolution }),
    ...Object.fromEntries(kept),
    "modelspec.sai_model_spec": "1.0.0",
    "modelspec.architecture": isSdxlBase(configs) ? "stable-diffusion-xl-v1-base" : OTHER_ARCHITECTURE,
    "modelspec.implementation": "https://github.com/Stability-AI/generative-models",
    ...marks.metadata,
    [CONFIG_KEY]: JSON.stringify(configJson(facts)),
  };
  return (tensorsSha256) => ({ ...metadata, "modelspec.hash_sha256": `0x${tensorsSha256}` });
}

/** SDXL's networks in other sizes, which no loader of `stable-diffusion-xl-v1-base` can open. */
const OTHER_ARCHITECTURE = "illustrious-sdxl-variant";

/** Networks as every program builds them that takes a file for SDXL. */
export function isSdxlBase(configs: SdxlConfigs): boolean {
  // Neither changes what is computed: a hint of size, and two rules for the same token.
  const { sampleSize } = SDXL_BASE.unet;
  const alike = {
    unet: { ...configs.unet, sampleSize },
    vae: configs.vae ?? SDXL_BASE.vae,
    textEncoder: { ...configs.textEncoder, eosRule: SDXL_BASE.textEncoder.eosRule },
    textEncoder2: { ...configs.textEncoder2, eosRule: SDXL_BASE.textEncoder2.eosRule },
  };
  return isDeepStrictEqual(alike, SDXL_BASE);
}

function resolutionOf({ unet, vae = SDXL_BASE.vae }: SdxlConfigs): string | undefined {
  if (unet.sampleSize === undefined) return undefined;
  const side = unet.sampleSize * vaeFactor(vae);
  return `${side}x${side}`;
}

function configJson({ configs, scheduler, zerosForEmptyPrompt }: SingleFileFacts): Record<string, unknown> {
  return {
    ...configsToJson(configs),
    ...(scheduler !== undefined && { scheduler }),
    ...(zerosForEmptyPrompt !== undefined && { force_zeros_for_empty_prompt: zerosForEmptyPrompt }),
  };
}
