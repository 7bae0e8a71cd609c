/**
 * @file The colour of a picture in numbers, all in one walk over its pixels.
 *
 * Everything is measured at a working size (a long side of 768 unless told), because sharpness and contrast change with it, but for
 * the shares of exact and clipped values, which an average would hide: these are taken from the picture as decoded.
 */

import { HUE_BINS, hueBin, hueDiversity, LEAST_CHROMA } from "./hues.ts";
import { atWorkingSize, type Pixels } from "./pixels.ts";

export type ColourMeasures = {
  /** Long side, in pixels, at which all but the last four were measured; pictures of different sizes compare at equal ones only. */
  workingSide: number;
  /** RMS contrast: standard deviation of luma over 255, from 0 to 0.5. Peli (1990). */
  contrast: number;
  /** Mean luma, 0 to 255: Y = 0.299 R + 0.587 G + 0.114 B. */
  brightness: number;
  /** Variance of the 4-neighbour Laplacian of luma, edges mirrored without repeating them. Pech-Pacheco et al. (2000). */
  sharpness: number;
  /** How many hues, 0 to 6 (`hueDiversity`). */
  dynamicColours: number;
  /** Hasler and Süsstrunk (2003), M3, with signed opponent channels: 0 grey, 33 moderately, 59 quite, 109 extremely colourful. */
  colourfulness: number;
  /** Mean and standard deviation of HSV saturation, 0 to 255, of the pixels that are not nearly black. */
  saturation: number;
  saturationDeviation: number;
  /** Share of chroma in each of 36 bins of 10 degrees, the first around red; all 0 for a picture without colour. */
  hues: number[];
  /** Shares of the pixels as decoded, 0 to 1: exactly #FFFFFF, exactly #000000, any channel at 255, any channel at 0. */
  whiteShare: number;
  blackShare: number;
  clippedHighShare: number;
  clippedLowShare: number;
};

export const WORKING_SIDE = 768;

/** Below this value (V of HSV) one step of a channel is a saturation of 32 and more: noise. */
const LEAST_VALUE = 8;

/**
 * Measures a picture.
 *
 * @param workingSide long side in pixels to shrink a larger picture to
 * @throws IllustriousError `bad_shape` when `rgb` has not 3 bytes a pixel; `bad_option` when the side is not a positive integer
 */
export function measureColours(pixels: Pixels, workingSide: number = WORKING_SIDE): ColourMeasures {
  return { ...walk(atWorkingSize(pixels, workingSide)), workingSide, ...exactShares(pixels) };
}

/** The rule of the Illustrious 3.0 article: a picture is colourful when saturation is high and even. */
export function isColourful({ saturation, saturationDeviation }: ColourMeasures): boolean {
  return saturation > 120 && saturationDeviation < 50;
}

type WorkingMeasures = Omit<
  ColourMeasures,
  "workingSide" | "whiteShare" | "blackShare" | "clippedHighShare" | "clippedLowShare"
>;

/** 255 / value: HSV saturation a step of difference. */
const saturationOf = Float64Array.from({ length: 256 }, (_, value) => (value === 0 ? 0 : 255 / value));

/** Luma in thousandths, so that its sums are exact. */
const luma = (r: number, g: number, b: number) => 299 * r + 587 * g + 114 * b;

function walk({ width, height, rgb }: Pixels): WorkingMeasures {
  const pixels = width * height;
  const chroma = new Float64Array(HUE_BINS);
  // Three rows of luma, for the Laplacian of the middle one.
  let above = new Int32Array(width);
  let here = new Int32Array(width);
  let below = new Int32Array(width);
  lumaRow(rgb, width, 0, here);
  if (height > 1) lumaRow(rgb, width, 1, below);
  above.set(height > 1 ? below : here);

  let y1 = 0;
  let y2 = 0;
  let edge1 = 0;
  let edge2 = 0;
  let rg1 = 0;
  let rg2 = 0;
  let yb1 = 0;
  let yb2 = 0;
  let lit = 0;
  let s1 = 0;
  let s2 = 0;
  let coloured = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = 3 * (y * width + x);
      const r = rgb[i]!;
      const g = rgb[i + 1]!;
      const b = rgb[i + 2]!;

      const light = here[x]!;
      y1 += light;
      y2 += light * light;
      const left = here[x === 0 ? Math.min(1, width - 1) : x - 1]!;
      const right = here[x === width - 1 ? Math.max(0, width - 2) : x + 1]!;
      const edge = left + right + above[x]! + below[x]! - 4 * light;
      edge1 += edge;
      edge2 += edge * edge;

      // Twice yellow less blue, to stay among integers.
      const redGreen = r - g;
      const yellowBlue = r + g - 2 * b;
      rg1 += redGreen;
      rg2 += redGreen * redGreen;
      yb1 += yellowBlue;
      yb2 += yellowBlue * yellowBlue;

      const value = r > g ? (r > b ? r : b) : g > b ? g : b;
      const difference = value - (r < g ? (r < b ? r : b) : g < b ? g : b);
      if (value >= LEAST_VALUE) {
        const saturation = difference * saturationOf[value]!;
        lit++;
        s1 += saturation;
        s2 += saturation * saturation;
      }
      if (difference >= LEAST_CHROMA) {
        coloured++;
        chroma[hueBin(r, g, b)]! += difference;
      }
    }
    const free = above;
    above = here;
    here = below;
    below = free;
    if (y + 2 < height) lumaRow(rgb, width, y + 2, below);
    else below.set(above);
  }

  const total = chroma.reduce((sum, share) => sum + share, 0);
  const opponents = Math.sqrt(variance(rg1, rg2, pixels) + variance(yb1, yb2, pixels) / 4);
  const offset = Math.hypot(rg1 / pixels, yb1 / pixels / 2);
  return {
    contrast: Math.sqrt(variance(y1, y2, pixels)) / 255_000,
    brightness: y1 / pixels / 1000,
    sharpness: variance(edge1, edge2, pixels) / 1e6,
    dynamicColours: hueDiversity(chroma, coloured / pixels),
    colourfulness: opponents + 0.3 * offset,
    saturation: lit === 0 ? 0 : s1 / lit,
    saturationDeviation: lit === 0 ? 0 : Math.sqrt(variance(s1, s2, lit)),
    hues: Array.from(chroma, (share) => (total === 0 ? 0 : share / total)),
  };
}

function lumaRow(rgb: Uint8Array, width: number, y: number, row: Int32Array): void {
  for (let x = 0, i = 3 * width * y; x < width; x++, i += 3) row[x] = luma(rgb[i]!, rgb[i + 1]!, rgb[i + 2]!);
}

/** Of the whole population, from its sum and its sum of squares; rounding must not make it negative. */
function variance(sum: number, squares: number, count: number): number {
  return Math.max(0, (squares - (sum * sum) / count) / count);
}

function exactShares({ width, height, rgb }: Pixels) {
  let white = 0;
  let black = 0;
  let high = 0;
  let low = 0;
  for (let i = 0; i < rgb.length; i += 3) {
    const r = rgb[i]!;
    const g = rgb[i + 1]!;
    const b = rgb[i + 2]!;
    if (r === 255 || g === 255 || b === 255) {
      high++;
      if (r + g + b === 765) white++;
    }
    if (r === 0 || g === 0 || b === 0) {
      low++;
      if (r + g + b === 0) black++;
    }
  }
  const pixels = width * height;
  return {
    whiteShare: white / pixels,
    blackShare: black / pixels,
    clippedHighShare: high / pixels,
    clippedLowShare: low / pixels,
  };
}
