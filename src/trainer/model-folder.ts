/** @file A whole trained model as a diffusers folder, which ComfyUI, A1111 (through conversion), diffusers and we read. */

import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { SdxlConfigs } from "../models/sdxl/config.ts";
import { clipToJson, unetToJson, vaeToJson } from "../models/sdxl/config-json.ts";
import { predictionMarks } from "../models/sdxl/prediction-marks.ts";
import { builtInVocabulary, END, START } from "../models/sdxl/vocabulary.ts";
import { type NetworkValues, type StoredDType, writeJson, writeNetwork, writeText } from "./model-files.ts";
import { schedulerConfig, type TrainedSchedule } from "./scheduler-config.ts";
import type { TrainingModel } from "./sdxl-model.ts";

export type FolderContents = {
  readonly configs: Required<SdxlConfigs>;
  readonly networks: Readonly<Record<"unet" | "vae" | "textEncoder" | "textEncoder2", NetworkValues>>;
  readonly tokenizerFolders: TrainingModel["tokenizerFolders"];
  readonly schedule: TrainedSchedule;
  readonly dtype: StoredDType;
  readonly metadata: Readonly<Record<string, string>>;
};

/** Dropped captions are trained as the encoding of nothing. */
export const ZEROS_FOR_EMPTY_PROMPT = false;

/** Returns the names of tensors that the type cannot hold and that are F32 in its place. Throws as `writeNetwork`. */
export async function writeModelFolder(folder: string, contents: FolderContents): Promise<string[]> {
  const { configs, networks, dtype, schedule } = contents;
  const metadata = { ...contents.metadata, ...predictionMarks(schedule).metadata };
  await mkdir(folder, { recursive: true });
  const widened = [
    await writeNetwork(folder, "unet", unetToJson(configs.unet), networks.unet, dtype, metadata),
    await writeNetwork(folder, "vae", vaeToJson(configs.vae), networks.vae, dtype),
    await writeNetwork(folder, "text_encoder", clipToJson(configs.textEncoder), networks.textEncoder, dtype),
    await writeNetwork(folder, "text_encoder_2", clipToJson(configs.textEncoder2), networks.textEncoder2, dtype),
  ];
  await writeTokenizers(folder, contents.tokenizerFolders);
  const scheduler = schedulerConfig(schedule);
  await mkdir(join(folder, "scheduler"), { recursive: true });
  await writeJson(join(folder, "scheduler", "scheduler_config.json"), scheduler);
  await writeJson(join(folder, "model_index.json"), modelIndex(scheduler._class_name));
  return widened.flat();
}

function modelIndex(scheduler: string): Record<string, unknown> {
  return {
    _class_name: "StableDiffusionXLPipeline",
    force_zeros_for_empty_prompt: ZEROS_FOR_EMPTY_PROMPT,
    add_watermarker: null,
    scheduler: ["diffusers", scheduler],
    text_encoder: ["transformers", "CLIPTextModel"],
    text_encoder_2: ["transformers", "CLIPTextModelWithProjection"],
    tokenizer: ["transformers", "CLIPTokenizer"],
    tokenizer_2: ["transformers", "CLIPTokenizer"],
    unet: ["diffusers", "UNet2DConditionModel"],
    vae: ["diffusers", "AutoencoderKL"],
  };
}

/** The model's own, or the vocabulary that all SDXL models share. The second encoder pads with token 0, "!". */
async function writeTokenizers(folder: string, own: TrainingModel["tokenizerFolders"]): Promise<void> {
  const places = [join(folder, "tokenizer"), join(folder, "tokenizer_2")] as const;
  if (own) {
    await cp(own.tokenizer, places[0], { recursive: true });
    await cp(own.tokenizer2, places[1], { recursive: true });
    return;
  }
  const { vocab, merges } = await builtInVocabulary();
  for (const [i, place] of places.entries()) {
    const pad = i === 0 ? END : "!";
    await mkdir(place, { recursive: true });
    await writeText(join(place, "vocab.json"), JSON.stringify(vocab));
    await writeText(join(place, "merges.txt"), `#version: 0.2\n${merges.join("\n")}\n`);
    await writeJson(join(place, "special_tokens_map.json"), special(pad));
    await writeJson(join(place, "tokenizer_config.json"), {
      ...special(pad),
      tokenizer_class: "CLIPTokenizer",
      model_max_length: 77,
      do_lower_case: true,
      add_prefix_space: false,
    });
  }
}

function special(pad: string): Record<string, string> {
  return { bos_token: START, eos_token: END, unk_token: END, pad_token: pad };
}
