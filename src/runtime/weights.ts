/** @file Where a network's weights lie: byte ranges in the user's own files, never copies of them. */

import type { WeightDType } from "../base/dtype.ts";

export type WeightSource = {
  readonly path: string;
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  readonly dtype: WeightDType;
  /** As the graph declares it; the file may say [c, c, 1, 1] where this says [c, c], for the bytes are the same. */
  readonly shape: readonly number[];
  /** The file holds the matrix with its two axes swapped against `shape`, as OpenCLIP holds `text_projection`. */
  readonly transposed?: boolean;
};

/** By the graph's own parameter names. */
export type Weights = ReadonlyMap<string, WeightSource>;
