/**
 * @file What a LoRA file says of itself: kohya's `ss_` keys, by which training tools and web UIs read rank, alpha and base,
 * and Stability's ModelSpec. Values are texts as Python's `str` writes them. Only what is known is written.
 *
 * https://github.com/Stability-AI/ModelSpec; kohya-ss/sd-scripts, `train_network.py` and `library/sai_model_spec.py`.
 */

import type { LoraRanks } from "./lora-targets.ts";

export type LoraSettings = {
  readonly title: string;
  readonly ranks: LoraRanks;
  /** As ModelSpec names it; flow matching, which it has no name for, by its own. */
  readonly prediction?: "epsilon" | "v" | "flow";
  readonly zeroTerminalSnr?: boolean;
  /** Pixels that it was trained at: one side of a square. */
  readonly resolution?: number;
  /** Name of the checkpoint's file, without its folder. */
  readonly baseModel?: string;
  /** SHA-256 of that file, 64 hexadecimal digits. */
  readonly baseModelSha256?: string;
  /** Whether each of the networks was trained. */
  readonly trained: { readonly unet: boolean; readonly textEncoders: boolean };
  readonly learningRate?: number;
  readonly unetLearningRate?: number;
  /** One of both encoders, or two. */
  readonly textEncoderLearningRate?: number | readonly [number, number];
  readonly steps?: number;
  readonly epochs?: number;
  readonly seed?: number;
  readonly startedAt?: Date;
  readonly finishedAt: Date;
  readonly comment?: string;
  readonly triggerPhrase?: string;
  /**
   * More of kohya's keys, without `ss_`, such as `optimizer`, `lr_scheduler`, `min_snr_gamma`, `tag_frequency`. The last
   * tells what is in the data set.
   */
  readonly more?: Readonly<Record<string, Written>>;
};

export type Written = string | number | boolean | null | undefined;

/** @param tensorsSha256 of all tensors' bytes, in the file's order */
export function loraMetadata(settings: LoraSettings, tensorsSha256: string): Record<string, string> {
  return {
    ...prefixed("ss_", kohyaKeys(settings)),
    ...prefixed("sshs_", { model_hash: tensorsSha256 }),
    ...prefixed("modelspec.", modelspecKeys(settings, tensorsSha256)),
  };
}

function kohyaKeys(settings: LoraSettings): Record<string, Written> {
  const { ranks, learningRate } = settings;
  const { rank, alpha = rank, convRank, convAlpha = convRank } = ranks;
  const convolutions = convRank === undefined ? {} : { conv_dim: String(convRank), conv_alpha: String(convAlpha) };
  return {
    v2: false,
    base_model_version: "sdxl_base_v1-0",
    network_module: "networks.lora",
    network_dim: rank,
    network_alpha: floating(alpha),
    network_args: JSON.stringify(convolutions),
    output_name: settings.title,
    learning_rate: floating(learningRate),
    unet_lr: settings.trained.unet ? floating(settings.unetLearningRate ?? learningRate) : null,
    text_encoder_lr: settings.trained.textEncoders ? both(settings.textEncoderLearningRate ?? learningRate) : null,
    zero_terminal_snr: settings.zeroTerminalSnr,
    resolution: settings.resolution && `(${settings.resolution}, ${settings.resolution})`,
    steps: settings.steps,
    epoch: settings.epochs,
    num_epochs: settings.epochs,
    seed: settings.seed,
    sd_model_name: settings.baseModel,
    new_sd_model_hash: settings.baseModelSha256,
    training_started_at: settings.startedAt && floating(settings.startedAt.getTime() / 1000),
    training_finished_at: floating(settings.finishedAt.getTime() / 1000),
    training_comment: settings.comment,
    ...settings.more,
  };
}

function modelspecKeys(settings: LoraSettings, tensorsSha256: string): Record<string, Written> {
  const { resolution } = settings;
  return {
    sai_model_spec: "1.0.0",
    architecture: "stable-diffusion-xl-v1-base/lora",
    implementation: "https://github.com/Stability-AI/generative-models",
    title: settings.title,
    date: settings.finishedAt.toISOString().slice(0, 19),
    resolution: resolution && `${resolution}x${resolution}`,
    prediction_type: settings.prediction,
    description: settings.comment,
    trigger_phrase: settings.triggerPhrase,
    hash_sha256: `0x${tensorsSha256}`,
  };
}

function prefixed(prefix: string, values: Readonly<Record<string, Written>>): Record<string, string> {
  const known = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    known.map(([key, value]) => [prefix + key, asPython(value as Exclude<Written, undefined>)]),
  );
}

function asPython(value: string | number | boolean | null): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return String(value);
}

function both(rates: number | readonly [number, number] | undefined): string | undefined {
  return typeof rates === "object" ? `[${rates.map(floating).join(", ")}]` : floating(rates);
}

/** Python tells floats from integers. */
function floating(value: number | undefined): string | undefined {
  if (value === undefined) return undefined;
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? `${value}.0` : String(value);
}
