/** @file What a run of training needs of what is trained: batches by number, and a model to save. */

import type { Finding } from "../sampling/finding.ts";
import type { BatchGradients, Learner } from "../training/learner/learner.ts";
import type { Segmentation } from "../training/segments/open-step.ts";
import type { LeftOut } from "./left-out.ts";

export type BatchResult = {
  readonly gradients: BatchGradients;
  /** Means over the batch; `loss` is among them. */
  readonly figures: Readonly<Record<string, number>>;
  readonly pictures: number;
  /** The loss of each picture beside the level of noise it was given, where that is meaningful. */
  readonly levels?: readonly { readonly level: number; readonly loss: number }[];
};

export type Lesson = {
  readonly learner: Learner;
  /**
   * Batch number `index`, counted from 0 over the whole run, each asked for once and in order. Everything random in it is a
   * function of the run's seed, this number and the position: so a later process goes on where an earlier one stopped.
   */
  batch(index: number): Promise<BatchResult>;
  /** Where the data stand, as numbers that a checkpoint keeps and the lesson is opened with again. */
  position?(): Readonly<Record<string, number>>;
  /** Whether its step runs in segments, for a checkpoint to keep: where memory decided, it may have more or less of it next time. */
  segments?(): Segmentation;
  /** Pictures that it goes without, for a checkpoint to keep like the position. */
  readonly leftOut?: LeftOut;
  /** What it stands on and does not change, for a checkpoint to keep. */
  readonly foundation?: string;
  /** Writes the model, averaged where the learner averages, as files that other programs read. Tells what is not as it was asked for. */
  saveModel(folder: string): Promise<readonly Finding[]>;
  /** Measures on what is not trained on, and pictures to look at. */
  examine?(step: number): Promise<Examination>;
  release(): Promise<void>;
};

export type Examination = {
  readonly figures: Readonly<Record<string, number>>;
  readonly previews: readonly {
    readonly name: string;
    readonly png: Uint8Array;
    readonly prompt?: string;
    readonly seed?: number;
  }[];
};
