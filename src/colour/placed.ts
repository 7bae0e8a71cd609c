/** @file A picture in the kernels' memory, where one walk after another finds it without a copy. */

import { bytesAt, layOut } from "./kernels/kernels.ts";
import type { Pixels } from "./pixels.ts";

export type Placed = {
  readonly width: number;
  readonly height: number;
  /** Where its first byte is. It stays there until something is laid out before `end`. */
  readonly rgb: number;
  readonly end: number;
};

export function placed({ width, height, rgb }: Pixels): Placed {
  const at = layOut({ rgb: rgb.length });
  bytesAt(at.rgb, rgb.length).set(rgb);
  return { width, height, ...at };
}
