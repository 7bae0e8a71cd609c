/** @file What `generate` tells while it works, in the order in which it comes. Everything is plain data. */

import type { RgbImage } from "../pipeline/image.ts";

export type { RgbImage };

/** What will really be done, as far as it is known before the first step; what the picture's metadata says too. */
export type EffectiveSettings = {
  readonly model: string;
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  readonly sampler: string;
  readonly schedule: string;
  readonly prediction: string;
  readonly zeroSnr: string;
  /** How sure it is what the model predicts. */
  readonly confidence: "certain" | "likely" | "guess";
  /** What an empty negative prompt stands for. */
  readonly emptyNegative: "zeros" | "encode";
  /** How the picture is decoded; "auto" where that means tiles. */
  readonly vaeTile: "auto" | "on" | "off";
  readonly sigmas: readonly number[];
  readonly timesteps: readonly number[];
  readonly seeds: readonly number[];
  /** Tokens of the prompt and of the negative prompt, and the chunks of 77 that they fill. */
  readonly tokens: readonly [number, number];
  readonly chunks: number;
  /** In the order in which they were applied; strengths of the text encoders and of the UNet. */
  readonly loras: readonly { readonly name: string; readonly textEncoder: number; readonly unet: number }[];
  readonly engine: string;
  /** How the prediction type was found. */
  readonly evidence: readonly string[];
};

export type GenerateEvent =
  /** A part of the model is being opened or encoded; long on large models. */
  | { readonly type: "stage"; readonly stage: "open" | "text" | "unet" | "vae" | "decode"; readonly message: string }
  | { readonly type: "settings"; readonly settings: EffectiveSettings; readonly memoryBytes: number }
  | { readonly type: "warning"; readonly message: string; readonly hint?: string | undefined }
  /** After each step of each batch. `done` of `total` counts steps over all pictures. */
  | {
      readonly type: "step";
      readonly batch: number;
      readonly batches: number;
      readonly step: number;
      readonly steps: number;
      readonly done: number;
      readonly total: number;
      /** Infinity at the terminal step of zero SNR. */
      readonly sigma: number;
      readonly seconds: number;
      /** One a picture of the batch, when previews are asked for. */
      readonly previews?: readonly RgbImage[];
    }
  | {
      readonly type: "picture";
      readonly index: number;
      readonly seed: number;
      readonly image: RgbImage;
      /** The whole file, with its metadata. */
      readonly png: Uint8Array;
      readonly infotext: string;
      /** Where it was written, when a folder was given. */
      readonly path?: string;
    }
  | { readonly type: "grid"; readonly image: RgbImage; readonly path?: string }
  | { readonly type: "done"; readonly pictures: number; readonly seconds: number; readonly peakBytes: number };
