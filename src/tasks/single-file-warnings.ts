/** @file What a single file does not carry, or what other programs do not read in it: said, for the file looks whole. */

import { IllustriousError } from "../base/error.ts";
import type { SdxlConfigs } from "../models/sdxl/config.ts";
import { hasOwnVocabulary } from "../models/sdxl/own-vocabulary.ts";
import type { Prediction } from "../models/sdxl/prediction.ts";
import { isSdxlBase } from "../models/sdxl/single-file-metadata.ts";
import { modelVocabulary, type TokenizedModel } from "../models/sdxl/tokenizer.ts";

export type SingleFileWarning = { readonly message: string; readonly hint: string };

export type SingleFileModel = {
  readonly configs: SdxlConfigs;
  readonly tokenizerFolders?: TokenizedModel["tokenizerFolders"];
  readonly prediction: Prediction;
  /** Factor on the sigmas of SDXL, or of flow matching; undefined for levels that are no multiple of SDXL's. */
  readonly shift: number | undefined;
};

/** @throws IllustriousError for tokenizers that cannot be read */
export async function singleFileWarnings(model: SingleFileModel): Promise<SingleFileWarning[]> {
  return [...(await tokenizerWarnings(model)), ...sizeWarnings(model.configs), ...scheduleWarnings(model)];
}

/** A single file is read with CLIP's vocabulary, by every program. */
async function tokenizerWarnings({ configs, tokenizerFolders }: SingleFileModel): Promise<SingleFileWarning[]> {
  const hint = "Keep the diffusers folder for prompts; a single file has no place for a tokenizer.";
  try {
    await modelVocabulary({ configs });
  } catch (error) {
    if (!(error instanceof IllustriousError)) throw error;
    return [{ message: `no prompt can be read for the single file: ${error.message}`, hint }];
  }
  if (!(await hasOwnVocabulary(tokenizerFolders))) return [];
  const message =
    "the model's tokenizer is not CLIP's, with which a single file is read: the same prompts become other tokens";
  return [{ message, hint }];
}

function sizeWarnings(configs: SdxlConfigs): SingleFileWarning[] {
  if (isSdxlBase(configs)) return [];
  return [
    {
      message:
        "the networks are not those of SDXL base: programs that take every such file for SDXL cannot open this one",
      hint: "This project opens it: the sizes are in its metadata, under illustrious.config.",
    },
  ];
}

function scheduleWarnings({ prediction, shift }: SingleFileModel): SingleFileWarning[] {
  if (prediction === "flow") {
    const message =
      "nothing in a single file tells A1111, Forge or ComfyUI of rectified flow: they take the model for eps";
    return [{ message, hint: `In ComfyUI, put ModelSamplingSD3 with shift ${shift ?? 1} behind the loader.` }];
  }
  if (prediction === "edm_v" || shift === 1) return [];
  const levels =
    shift === undefined ? "noise levels of its own" : `SDXL's noise levels times ${Number(shift.toPrecision(6))}`;
  return [
    {
      message: `the model was trained on ${levels}, which A1111, Forge and ComfyUI do not read in a single file`,
      hint: "Their pictures of it will be wrong; this project reads the file, and diffusers the folder.",
    },
  ];
}
