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
  /** Pixels that it was trained at. */
  readonly resolution?: { readonly width: number; readonly height: number };
  /** Name of the checkpoint's file, without its folder. */
  readonly baseModel?: string;
  /** SHA-256 of that file, 64 hexadecimal digits. */
  readonly baseModelSha256?: string;
  /** Whether each of the networks was trained. */
  readonly trained: { readonly unet: boolean; readonly textEncoders: boolean };
  /** Null where the optimiser has a rate of its own. */
  readonly learningRate?: number | null;
  readonly unetLearningRate?: number;
  /** One of both encoders, or two. */
  readonly textEncoderLearningRate?: number | readonly [number, number];
  readonly steps?: number;
  /** The epoch that these steps end in, and those of the whole run. */
  readonly epoch?: number;
  readonly epochs?: number;
  readonly seed?: number;
  readonly startedAt?: Date;
  readonly finishedAt: Date;
  readonly comment?: string | undefined;
  readonly triggerPhrase?: string | undefined;
  /** What ModelSpec has room for beside; the title goes before the run's. */
  readonly spec?: Readonly<
    Partial<Record<"title" | "author" | "description" | "license" | "tags", string | undefined>>
  >;
  /** Of kohya's keys only those by which the file is read, as its `no_metadata` has it. */
  readonly minimal?: boolean;
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
    ...prefixed("ss_", { ...fileKeys(settings), ...(settings.minimal ? {} : runKeys(settings)) }),
    ...prefixed("sshs_", { model_hash: tensorsSha256 }),
    ...prefixed("modelspec.", modelspecKeys(settings, tensorsSha256)),
  };
}

/** kohya's SS_METADATA_MINIMUM_KEYS. */
function fileKeys({ ranks }: LoraSettings): Record<string, Written> {
  const { rank, alpha = rank, convRank, convAlpha = convRank } = ranks;
  const convolutions = convRank === undefined ? {} : { conv_dim: String(convRank), conv_alpha: String(convAlpha) };
  return {
    v2: false,
    base_model_version: "sdxl_base_v1-0",
    network_module: "networks.lora",
    network_dim: rank,
    network_alpha: floating(alpha),
    network_args: JSON.stringify(convolutions),
  };
}

function runKeys(settings: LoraSettings): Record<string, Written> {
  const { learningRate, resolution } = settings;
  return {
    output_name: settings.title,
    learning_rate: floating(learningRate),
    unet_lr: settings.trained.unet ? floating(settings.unetLearningRate ?? learningRate) : null,
    text_encoder_lr: settings.trained.textEncoders ? both(settings.textEncoderLearningRate ?? learningRate) : null,
    zero_terminal_snr: settings.zeroTerminalSnr,
    resolution: resolution && `(${resolution.width}, ${resolution.height})`,
    steps: settings.steps,
    epoch: settings.epoch,
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
    title: settings.spec?.title ?? settings.title,
    author: settings.spec?.author,
    date: settings.finishedAt.toISOString().slice(0, 19),
    resolution: resolution && `${resolution.width}x${resolution.height}`,
    prediction_type: settings.prediction,
    description: settings.spec?.description,
    license: settings.spec?.license,
    tags: settings.spec?.tags,
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

function both(rates: number | readonly [number, number] | null | undefined): string | null | undefined {
  return typeof rates === "object" && rates !== null ? `[${rates.map(floating).join(", ")}]` : floating(rates);
}

/** Python tells floats from integers. */
export function floating(value: number | null | undefined): string | null | undefined {
  if (value === undefined || value === null) return value;
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? `${value}.0` : String(value);
}
