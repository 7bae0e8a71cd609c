/**
 * @file What is measured at the working size, in one walk over the rows.
 *
 * The two loops over pixels run over every picture of a data set. They avoid what costs most there: branches that depend on the
 * picture, calls that are not inlined, and conversions between integers and doubles. Differences of channels stay among 32-bit
 * integers, which `| 0` says; luma and its Laplacian are doubles that hold whole numbers.
 */

import { foldHues, HUE_SLOTS, hueDiversity, hueSlot, LEAST_CHROMA } from "./hues.ts";
import type { Pixels } from "./pixels.ts";

export type WorkingMeasures = {
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
  /**
   * Share of vivid pixels, 0 to 1, in each cell of a grid of 3 x 3 over the picture, row by row from the top left: those whose chroma
   * (largest less smallest channel) is at least 128 of 255. A pixel lies in the cell that its left upper corner is in; in pictures of fewer than
   * 3 pixels a side, cells without a pixel have 0.
   */
  vividGrid: number[];
};

/** Cells a side of the grid of vivid shares. */
const GRID = 3;

/** A pixel is vivid when its chroma, of 8 bits, has the highest: 128 and more. */
const VIVID_BIT = 7;

/** Below this value (V of HSV) one step of a channel is a saturation of 32 and more: noise. */
const LEAST_VALUE = 8;

/** 255 / value: HSV saturation a step of difference; none for what is nearly black. */
const saturationOf = Float64Array.from({ length: 256 }, (_, value) => (value < LEAST_VALUE ? 0 : 255 / value));

/** Pixels of a row whose squares of differences, at most 510² each, are summed in 32 bits. */
const RUN = 4096;

/** Sums over all pixels, and of squares. */
type Sums = {
  /** In thousandths. */
  luma: number;
  lumaSquares: number;
  edge: number;
  edgeSquares: number;
  redGreen: number;
  redGreenSquares: number;
  /** Of twice yellow less blue, to stay among integers. */
  yellowBlue: number;
  yellowBlueSquares: number;
  /** Pixels that are not nearly black, and their saturation. */
  lit: number;
  saturation: number;
  saturationSquares: number;
  /** Pixels that have a hue to count. */
  coloured: number;
};

export function workingMeasures({ width, height, rgb }: Pixels): WorkingMeasures {
  const sums: Sums = {
    luma: 0,
    lumaSquares: 0,
    edge: 0,
    edgeSquares: 0,
    redGreen: 0,
    redGreenSquares: 0,
    yellowBlue: 0,
    yellowBlueSquares: 0,
    lit: 0,
    saturation: 0,
    saturationSquares: 0,
    coloured: 0,
  };
  const slots = new Int32Array(HUE_SLOTS);
  const chroma = new Float64Array(HUE_SLOTS);
  const columns = cellEdges(width);
  const rows = cellEdges(height);
  const vivid = new Float64Array(GRID * GRID);
  // Three rows of luma, the latest of which is two ahead of `above`; each has a mirrored pixel on both sides.
  let above = new Float64Array(width + 2);
  let here = new Float64Array(width + 2);
  let below = new Float64Array(width + 2);
  for (let y = 0; y < height; y++) {
    const band = GRID * Math.floor((GRID * y) / height);
    for (let column = 0; column < GRID; column++) {
      const right = columns[column + 1]!;
      for (let x = columns[column]!; x < right; x += RUN) {
        const end = Math.min(x + RUN, right);
        vivid[band + column]! += addColours(rgb, y * width + x, end - x, below, x + 1, slots, sums);
        for (let slot = 0; slot < HUE_SLOTS; slot++) chroma[slot]! += slots[slot]!;
        slots.fill(0);
      }
    }
    below[0] = below[Math.min(2, width)]!;
    below[width + 1] = below[Math.max(width - 1, 1)]!;
    if (y > 0) addEdges(y > 1 ? above : below, here, below, sums);
    const free = above;
    above = here;
    here = below;
    below = free;
  }
  const beside = height > 1 ? above : here;
  addEdges(beside, here, beside, sums);

  const pixels = width * height;
  const hues = foldHues(chroma);
  const total = hues.reduce((sum, share) => sum + share, 0);
  const { lit, redGreen, yellowBlue } = sums;
  const redGreenVariance = variance(redGreen, sums.redGreenSquares, pixels);
  const yellowBlueVariance = variance(yellowBlue, sums.yellowBlueSquares, pixels) / 4;
  const offset = Math.hypot(redGreen / pixels, yellowBlue / pixels / 2);
  return {
    contrast: Math.sqrt(variance(sums.luma, sums.lumaSquares, pixels)) / 255_000,
    brightness: sums.luma / pixels / 1000,
    sharpness: variance(sums.edge, sums.edgeSquares, pixels) / 1e6,
    dynamicColours: hueDiversity(hues, sums.coloured / pixels),
    colourfulness: Math.sqrt(redGreenVariance + yellowBlueVariance) + 0.3 * offset,
    saturation: lit === 0 ? 0 : sums.saturation / lit,
    saturationDeviation: lit === 0 ? 0 : Math.sqrt(variance(sums.saturation, sums.saturationSquares, lit)),
    hues: Array.from(hues, (share) => (total === 0 ? 0 : share / total)),
    vividGrid: Array.from(vivid, (count, cell) => {
      const [row, column] = [Math.floor(cell / GRID), cell % GRID];
      const inCell = (columns[column + 1]! - columns[column]!) * (rows[row + 1]! - rows[row]!);
      return inCell === 0 ? 0 : count / inCell;
    }),
  };
}

/** Where the grid's cells begin along a side, and its end. */
function cellEdges(side: number): number[] {
  return Array.from({ length: GRID + 1 }, (_, cell) => Math.ceil((cell * side) / GRID));
}

/**
 * Everything that a pixel tells by itself, of at most `RUN` of them; their luma, in thousandths so that sums are exact, is left in `row`.
 * Places are handed over, not subarrays: making those for every cell of every row would show in the time.
 *
 * @param from the first one's place among the pixels
 * @param at its place in `row`
 * @returns how many are vivid
 */
function addColours(
  rgb: Uint8Array,
  from: number,
  count: number,
  row: Float64Array,
  at: number,
  slots: Int32Array,
  sums: Sums,
): number {
  let redGreens = 0;
  let redGreenSquares = 0;
  let yellowBlues = 0;
  let yellowBlueSquares = 0;
  let dark = 0;
  let coloured = 0;
  let vivid = 0;
  let { saturation, saturationSquares } = sums;
  for (let x = at, i = 3 * from, end = at + count; x < end; x++, i += 3) {
    const r = rgb[i]!;
    const g = rgb[i + 1]!;
    const b = rgb[i + 2]!;
    row[x] = (Math.imul(299, r) + Math.imul(587, g) + Math.imul(114, b)) | 0;

    const redGreen = (r - g) | 0;
    const yellowBlue = (r + g - (b << 1)) | 0;
    redGreens = (redGreens + redGreen) | 0;
    yellowBlues = (yellowBlues + yellowBlue) | 0;
    redGreenSquares = (redGreenSquares + Math.imul(redGreen, redGreen)) | 0;
    yellowBlueSquares = (yellowBlueSquares + Math.imul(yellowBlue, yellowBlue)) | 0;

    // Largest and smallest by the sign bits of differences: which channel it is cannot be foretold, and a wrong guess is dear.
    const less = redGreen & (redGreen >> 31);
    const more = (r - less) | 0;
    const fewer = (g + less) | 0;
    const aboveBlue = (more - b) | 0;
    const belowBlue = (fewer - b) | 0;
    const largest = (more - (aboveBlue & (aboveBlue >> 31))) | 0;
    const smallest = (b + (belowBlue & (belowBlue >> 31))) | 0;
    const difference = (largest - smallest) | 0;

    const s = difference * saturationOf[largest]!;
    saturation += s;
    saturationSquares += s * s;
    dark = (dark + ((largest - LEAST_VALUE) >>> 31)) | 0;
    if (difference >= LEAST_CHROMA) {
      coloured = (coloured + 1) | 0;
      vivid = (vivid + (difference >> VIVID_BIT)) | 0;
      const slot = hueSlot(r, g, b, smallest, difference);
      slots[slot] = (slots[slot]! + difference) | 0;
    }
  }
  sums.redGreen += redGreens;
  sums.redGreenSquares += redGreenSquares;
  sums.yellowBlue += yellowBlues;
  sums.yellowBlueSquares += yellowBlueSquares;
  sums.lit += count - dark;
  sums.saturation = saturation;
  sums.saturationSquares = saturationSquares;
  sums.coloured += coloured;
  return vivid;
}

/** Luma and its Laplacian of a row, which has one more pixel on both sides. */
function addEdges(above: Float64Array, here: Float64Array, below: Float64Array, sums: Sums): void {
  let { luma, lumaSquares, edge, edgeSquares } = sums;
  let left = here[0]!;
  let middle = here[1]!;
  for (let x = 1; x < here.length - 1; x++) {
    const right = here[x + 1]!;
    const laplacian = left + right + above[x]! + below[x]! - 4 * middle;
    luma += middle;
    lumaSquares += middle * middle;
    edge += laplacian;
    edgeSquares += laplacian * laplacian;
    left = middle;
    middle = right;
  }
  sums.luma = luma;
  sums.lumaSquares = lumaSquares;
  sums.edge = edge;
  sums.edgeSquares = edgeSquares;
}

/** Of the whole population, from its sum and its sum of squares; rounding must not make it negative. */
function variance(sum: number, squares: number, count: number): number {
  return Math.max(0, (squares - (sum * sum) / count) / count);
}
