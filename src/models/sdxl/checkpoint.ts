/**
 * @file Opens an SDXL checkpoint, whatever its layout: configurations, where each weight lies, and what it predicts.
 * Only headers are read; weights stay in the user's files.
 */

import { stat } from "node:fs/promises";
import { IllustriousError } from "../../base/error.ts";
import type { Weights } from "../../runtime/weights.ts";
import { refuseMissing } from "./checkpoint-bind.ts";
import { openSingleFile } from "./checkpoint-file.ts";
import { type Opened, openFolder, type TokenizerFolders } from "./checkpoint-folder.ts";
import { openVae } from "./checkpoint-vae.ts";
import type { SdxlConfigs } from "./config.ts";
import { COMPONENTS, type Component, FOLDER, SGM_PREFIX } from "./names.ts";
import { type Claim, type Clues, type Detection, detectPrediction } from "./prediction.ts";
import { isMark } from "./prediction-evidence.ts";

export type Checkpoint = {
  readonly kind: "diffusers" | "single-file";
  readonly path: string;
  readonly configs: SdxlConfigs;
  readonly weights: {
    readonly unet: Weights;
    readonly vae?: Weights;
    readonly textEncoder: Weights;
    readonly textEncoder2: Weights;
  };
  /** The checkpoint's own vocabularies, where it has them. */
  readonly tokenizerFolders?: TokenizerFolders;
  /** What the checkpoint says of an empty negative prompt: all zeros, or encoded like any other. */
  readonly zerosForEmptyPrompt?: boolean;
  readonly prediction: Detection;
  /** What `prediction` was gathered from, to ask again with another claim of the user's. */
  readonly clues: Clues;
  /** Every weight file, by its real path. */
  readonly files: readonly string[];
  readonly report: KeyReport;
};

export type KeyReport = {
  /** Expected and not there. Empty in a checkpoint that opened. */
  readonly missing: readonly string[];
  /** There, and nothing here knows them. */
  readonly unknown: readonly string[];
  /** There, known, and of no use: position ids, EMA copies, marks. */
  readonly ignored: readonly string[];
};

export type OpenOptions = {
  /** A VAE to use instead of the checkpoint's own: a .safetensors file or a diffusers VAE folder. */
  readonly vae?: string | undefined;
  /** Which weights of a diffusers folder, such as `fp16`; by default those without a variant. */
  readonly variant?: string | undefined;
  /** What the user says of the prediction type, against all evidence. */
  readonly prediction?: Claim | undefined;
};

/**
 * @param path a diffusers folder or a .safetensors file
 * @throws IllustriousError `missing_file`; `unknown_model` if it is not an SDXL checkpoint, saying what it is;
 * `missing_weight`, `bad_shape`, `unsupported` naming the keys; `pickle_refused`
 */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<Checkpoint> {
  const folder = await isFolder(path);
  const components = COMPONENTS.filter((component) => component !== "vae" || !options.vae);
  const opened = folder ? await openFolder(path, options.variant, components) : await openSingleFile(path, components);
  for (const [component, { missing }] of opened.bound) refuseMissing(missing, path, FOLDER[component]);
  const other = options.vae === undefined ? undefined : await openVae(options.vae, options.variant);
  const configs = other ? { ...opened.configs, vae: other.config } : opened.configs;
  checkTogether(configs, path);
  const weights = (component: Component) => opened.bound.get(component)?.weights;
  const vae = other ? other.bound.weights : weights("vae");
  return {
    kind: folder ? "diffusers" : "single-file",
    path,
    configs,
    weights: {
      unet: weights("unet")!,
      ...(vae && { vae }),
      textEncoder: weights("textEncoder")!,
      textEncoder2: weights("textEncoder2")!,
    },
    ...(opened.tokenizerFolders && { tokenizerFolders: opened.tokenizerFolders }),
    ...(opened.zerosForEmptyPrompt !== undefined && { zerosForEmptyPrompt: opened.zerosForEmptyPrompt }),
    prediction: detectPrediction(opened.clues, options.prediction),
    clues: opened.clues,
    files: [...opened.files, ...(other?.files ?? [])].map((file) => file.path),
    report: reportOf(opened, other !== undefined),
  };
}

/** Keys that checkpoints carry and no network of ours reads. */
const IGNORED: readonly RegExp[] = [
  /position_ids$|logit_scale$/,
  /^model_ema\.|^first_stage_model\.loss\./,
  // Noise schedules, which follow from a few numbers.
  /^(betas|alphas_cumprod|sqrt_|log_one_minus_|posterior_|denoiser\.)/,
];

/** @param vaeReplaced the checkpoint's own VAE is left unused on purpose */
export function reportOf({ bound, rest }: Opened, vaeReplaced = false): KeyReport {
  const known = (key: string) =>
    IGNORED.some((pattern) => pattern.test(key)) || isMark(key) || (vaeReplaced && key.startsWith(SGM_PREFIX.vae));
  return {
    missing: [...bound.values()].flatMap(({ missing }) => missing),
    unknown: rest.filter((key) => !known(key)),
    ignored: rest.filter(known),
  };
}

/** The widths at which the networks meet. */
function checkTogether({ unet, vae, textEncoder, textEncoder2 }: SdxlConfigs, path: string): void {
  const differ = (what: string, found: number, wanted: number, sum: string) => {
    if (found === wanted) return;
    const message = `${path}: ${what} is ${found}, but ${sum} ${wanted}`;
    throw new IllustriousError("bad_shape", message, "These networks were not trained together.");
  };
  const text = textEncoder.hiddenSize + textEncoder2.hiddenSize;
  differ("the UNet's cross_attention_dim", unet.crossAttentionDim, text, "the two text encoders side by side make");
  const added = 6 * unet.additionTimeEmbedDim + textEncoder2.projectionDim!;
  const sum = "six size embeddings and the pooled text make";
  differ("the UNet's projection_class_embeddings_input_dim", unet.projectionInputDim, added, sum);
  if (unet.inChannels !== unet.outChannels) {
    const message = `${path}: the UNet takes ${unet.inChannels} channels and gives ${unet.outChannels}`;
    throw new IllustriousError("unsupported", message, "An inpainting or editing model; these cannot be used yet.");
  }
  if (vae) differ("the UNet's out_channels", unet.outChannels, vae.latentChannels, "the VAE's latent_channels are");
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw new IllustriousError("missing_file", `${path}: no such file or folder`, "Check the path.", { cause });
  }
}
