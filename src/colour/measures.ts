/**
 * @file The colour of a picture in numbers.
 *
 * Everything is measured at a working size (a long side of 768 unless told), because sharpness and contrast change with it, but for
 * the shares of exact and clipped values, which an average would hide: these are taken from the picture as decoded.
 */

import { shrinkPlaced } from "./areas.ts";
import { type ExactShares, exactShares } from "./exact-shares.ts";
import { type Pixels, workingSize } from "./pixels.ts";
import { type Placed, placed } from "./placed.ts";
import { type WorkingMeasures, workingMeasures } from "./working-measures.ts";

export type ColourMeasures = WorkingMeasures &
  ExactShares & {
    /** Long side, in pixels, at which the working measures were taken; pictures of different sizes compare at equal ones only. */
    workingSide: number;
  };

export const WORKING_SIDE = 768;

/**
 * Measures a picture.
 *
 * @param workingSide long side in pixels to shrink a larger picture to
 * @throws IllustriousError `bad_shape` when `rgb` has not 3 bytes a pixel; `bad_option` when the side is not a positive integer
 */
export function measureColours(pixels: Pixels | Placed, workingSide: number = WORKING_SIDE): ColourMeasures {
  const picture = placed(pixels);
  const size = workingSize(picture, workingSide);
  const shares = exactShares(picture);
  return { ...workingMeasures(size ? shrinkPlaced(picture, ...size) : picture), workingSide, ...shares };
}

/** The rule of the Illustrious 3.0 article: a picture is colourful when saturation is high and even. */
export function isColourful({ saturation, saturationDeviation }: ColourMeasures): boolean {
  return saturation > 120 && saturationDeviation < 50;
}
