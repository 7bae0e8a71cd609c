/** @file A picture in the kernels' memory, where one walk after another finds it without a copy. */

import { bytesAt, layOut } from "./kernels/kernels.ts";
import { checkPixels, type Pixels } from "./pixels.ts";

export type Placed = {
  readonly width: number;
  readonly height: number;
  /** Where its first byte is. It stays there until something is laid out before `end`. */
  readonly rgb: number;
  readonly end: number;
};

/**
 * The next picture that is placed takes its memory: what is placed is measured at once.
 *
 * @throws IllustriousError `bad_shape` when `rgb` has not 3 bytes a pixel
 */
export function placed(picture: Pixels | Placed): Placed {
  if (isPlaced(picture)) return picture;
  checkPixels(picture);
  const { width, height, rgb } = picture;
  const at = layOut({ rgb: rgb.length });
  bytesAt(at.rgb, rgb.length).set(rgb);
  return { width, height, ...at };
}

const isPlaced = (picture: Pixels | Placed): picture is Placed => typeof picture.rgb === "number";
