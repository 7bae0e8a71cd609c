/**
 * @file Opens an SDXL checkpoint, whatever its layout: configurations, where each weight lies, and what it predicts.
 * Only headers are read; weights stay in the user's files.
 */

import { stat } from "node:fs/promises";
import { IllustriousError } from "../../base/error.ts";
import type { Weights } from "../../runtime/weights.ts";
import { refuseMissing } from "./checkpoint-bind.ts";
import { type Opened, openFolder, type TokenizerFolders } from "./checkpoint-folder.ts";
import type { SdxlConfigs } from "./config.ts";
import { type COMPONENTS, FOLDER } from "./names.ts";
import { type Claim, type Detection, detectPrediction } from "./prediction.ts";

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
  readonly prediction: Detection;
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
  readonly vae?: string;
  /** Which weights of a diffusers folder, such as `fp16`; by default those without a variant. */
  readonly variant?: string;
  /** What the user says of the prediction type, against all evidence. */
  readonly prediction?: Claim;
};

/**
 * @param path a diffusers folder or a .safetensors file
 * @throws IllustriousError `missing_file`; `unknown_model` if it is not an SDXL checkpoint, saying what it is;
 * `missing_weight`, `bad_shape`, `unsupported` naming the keys; `pickle_refused`
 */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<Checkpoint> {
  const folder = await isFolder(path);
  const opened = await openFolder(path, options.variant);
  for (const [component, { missing }] of opened.bound) refuseMissing(missing, path, FOLDER[component]);
  const weights = (component: (typeof COMPONENTS)[number]) => opened.bound.get(component)?.weights;
  const vae = weights("vae");
  return {
    kind: folder ? "diffusers" : "single-file",
    path,
    configs: opened.configs,
    weights: {
      unet: weights("unet")!,
      ...(vae && { vae }),
      textEncoder: weights("textEncoder")!,
      textEncoder2: weights("textEncoder2")!,
    },
    ...(opened.tokenizerFolders && { tokenizerFolders: opened.tokenizerFolders }),
    prediction: detectPrediction(opened.clues, options.prediction),
    files: opened.files,
    report: reportOf(opened),
  };
}

const IGNORED = /position_ids$|logit_scale$/;

export function reportOf({ bound, rest }: Opened): KeyReport {
  return {
    missing: [...bound.values()].flatMap(({ missing }) => missing),
    unknown: rest.filter((key) => !IGNORED.test(key)),
    ignored: rest.filter((key) => IGNORED.test(key)),
  };
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    throw new IllustriousError("missing_file", `${path}: no such file or folder`, "Check the path.", { cause });
  }
}
