/** @file What `train` tells while it works. Everything is plain data. */

import type { Finding } from "../../sampling/finding.ts";
import type { CheckpointPlace } from "../../trainer/checkpoints.ts";

/** A picture in the run's folder; reconstructions of an autoencoder have neither prompt nor seed. */
export type PreviewFile = { readonly path: string; readonly prompt?: string; readonly seed?: number };

export type TrainEvent =
  | { readonly type: "stage"; readonly stage: "data" | "open" | "cache" | "preview"; readonly message: string }
  /** Pictures looked at, or encoded, and captions encoded. */
  | {
      readonly type: "progress";
      readonly stage: "data" | "cache" | "captions";
      readonly done: number;
      readonly total: number;
    }
  /** What the data set holds, and how many checkpoints stay where the recipe does not say, in lines. */
  | { readonly type: "report"; readonly lines: readonly string[] }
  | { readonly type: "finding"; readonly finding: Finding }
  /** Before the first step. `from` is the checkpoint's step that the run goes on from, 0 for a new one. */
  | {
      readonly type: "start";
      readonly folder: string;
      readonly page: string;
      readonly from: number;
      readonly steps: number;
    }
  | {
      readonly type: "step";
      readonly step: number;
      readonly steps: number;
      readonly loss: number;
      /** The mean of the run's losses so far, also of those before a stop, each weighing 1 % less than the one after it. */
      readonly smoothedLoss: number;
      readonly figures: Readonly<Record<string, number>>;
      readonly learningRates: Readonly<Record<string, number>>;
      /** Before clipping. */
      readonly gradientNorm: number;
      readonly pictures: number;
      readonly seconds: number;
      /** The gradient was not finite, and nothing moved. */
      readonly skipped: boolean;
    }
  | {
      readonly type: "examined";
      readonly step: number;
      readonly figures: Readonly<Record<string, number>>;
      readonly previews: readonly PreviewFile[];
    }
  /** A checkpoint, also one that is written because of an abort. */
  | ({ readonly type: "saved" } & CheckpointPlace)
  | {
      readonly type: "done";
      readonly step: number;
      /** The run's. */
      readonly folder: string;
      /** The newest one's folder, also where the run had ended before and nothing was left to do. */
      readonly checkpoint: string;
      /** In that checkpoint, what `generate` takes: a LoRA's file, a model's file or folder, or an autoencoder's folder. */
      readonly model: string;
      readonly seconds: number;
    };
